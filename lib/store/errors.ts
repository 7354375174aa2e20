/**
 * Why a transaction failed: as the errors that callers see, and as the plain values in which they leave the writer thread.
 *
 * A broken constraint is the caller's to translate into a refusal of its own; everything else is a Fault or a bug.
 */
import { storeFaults } from "./faults.ts";

export type ConstraintKind = "unique" | "foreign-key" | "check" | "not-null";

export class ConstraintError extends Error {
	override readonly name = "ConstraintError";
	readonly kind: ConstraintKind;
	/** `networks.name`; empty where SQLite does not tell (foreign keys, checks, indexes on expressions). */
	readonly columns: readonly string[];
	/** The check's name or text, the index's name, or the message of a trigger's RAISE; else empty. */
	readonly constraint: string;

	constructor(failure: Extract<Failure, { kind: "constraint" }>) {
		super(failure.message);
		this.kind = failure.constraintKind;
		this.columns = failure.columns;
		this.constraint = failure.constraint;
	}
}

/** A statement changed another number of rows than its `changes` says: somebody else was first, or the row is gone. */
export class ChangesError extends Error {
	override readonly name = "ChangesError";
	readonly expected: number;
	readonly actual: number;

	constructor({ expected, actual, sql }: { expected: number; actual: number; sql: string }) {
		super(`${actual} rows changed where ${expected} were expected: ${sql}`);
		this.expected = expected;
		this.actual = actual;
	}
}

export type Failure =
	| {
			kind: "constraint";
			constraintKind: ConstraintKind;
			columns: string[];
			constraint: string;
			message: string;
	  }
	| { kind: "changes"; expected: number; actual: number; sql: string }
	| { kind: "newer"; version: number; known: number }
	| { kind: "corrupt"; problem: string }
	| { kind: "unavailable"; problem: string }
	| { kind: "bug"; message: string };

/** Primary result codes of https://www.sqlite.org/rescode.html: the low byte of an extended code. */
const FULL = 13;
const CONSTRAINT = 19;
const CORRUPT = new Set([11, 26]);
/** PERM, BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, FULL, CANTOPEN, PROTOCOL, NOLFS, AUTH. */
const UNAVAILABLE = new Set([3, 5, 6, 7, 8, 9, 10, 13, 14, 15, 22, 23]);

const CONSTRAINT_KINDS: ReadonlyMap<number, ConstraintKind> = new Map([
	[2067, "unique"],
	[1555, "unique"],
	[2579, "unique"],
	[787, "foreign-key"],
	[1299, "not-null"],
	[275, "check"],
	// RAISE(ABORT, …) in a trigger: a check that takes more than one row to say.
	[1811, "check"],
]);

/** Says what an error of node:sqlite means; `sql` goes into the message of a bug. */
export function failureOf(error: unknown, sql?: string): Failure {
	if (error instanceof ChangesError) {
		return { kind: "changes", expected: error.expected, actual: error.actual, sql: sql ?? "" };
	}
	const { errcode, message } = error as { errcode?: unknown; message?: unknown };
	const text = String(message ?? error);
	if (typeof errcode !== "number") return { kind: "bug", message: sql === undefined ? text : `${text}: ${sql}` };
	const primary = errcode & 0xff;
	const constraintKind = CONSTRAINT_KINDS.get(errcode);
	if (constraintKind !== undefined) return constraintFailure(constraintKind, text);
	if (CORRUPT.has(primary)) return { kind: "corrupt", problem: text };
	if (UNAVAILABLE.has(primary)) return { kind: "unavailable", problem: text };
	return { kind: "bug", message: sql === undefined ? text : `${text}: ${sql}` };
}

function constraintFailure(constraintKind: ConstraintKind, message: string): Failure {
	const tail = /^[A-Z ]+ constraint failed(?:: (.*))?$/s.exec(message)?.[1] ?? message;
	const named = constraintKind === "unique" || constraintKind === "not-null";
	const index = /^index '(.*)'$/s.exec(tail)?.[1];
	const hasColumns = named && index === undefined;
	return {
		kind: "constraint",
		constraintKind,
		columns: hasColumns ? tail.split(", ") : [],
		constraint: hasColumns || constraintKind === "foreign-key" ? "" : (index ?? tail),
		message,
	};
}

/** A deferred foreign key shows only at COMMIT, and not whose it is; what fills the disk takes all of the group with it. */
export function mayBeOneOfThem(error: unknown): boolean {
	const { errcode } = error as { errcode?: unknown };
	return typeof errcode === "number" && [CONSTRAINT, FULL].includes(errcode & 0xff);
}

export function errorOf(failure: Failure, path: string): Error {
	switch (failure.kind) {
		case "constraint":
			return new ConstraintError(failure);
		case "changes":
			return new ChangesError(failure);
		case "newer":
			return storeFaults.STORE_NEWER({ path, version: String(failure.version), known: String(failure.known) });
		case "corrupt":
			return storeFaults.STORE_CORRUPT({ path, problem: failure.problem });
		case "unavailable":
			return storeFaults.STORE_UNAVAILABLE({ path, problem: failure.problem });
		case "bug":
			break;
	}
	return new Error(`${path}: ${failure.message}`);
}
