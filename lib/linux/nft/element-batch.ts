/**
 * Elements of several sets and maps, added and removed in one transaction: all of it happens, or none.
 *
 * Adding an element that is there with the same datum is success. With another datum it is EEXIST (the kernel does not
 * replace); removing and then adding it in one batch replaces it, and no packet sees a moment without. Removing what is
 * absent is ENOENT, with `missing` saying whether it was the element, its set, or its table.
 */
import { NLM_F_CREATE, type Request } from "../netlink/message.ts";
import type { NetlinkError } from "../netlink/netlink-error.ts";
import type { Refusal } from "../netlink/socket.ts";
import { messageType } from "./batch.ts";
import { type Datum, encodeElements, partAt, type SetRef } from "./element.ts";

/** Of some 100 bytes each: the list of them is an attribute, and one has room for 64 KiB. */
const ELEMENTS_IN_MESSAGE = 200;
const NEWSETELEM = messageType(12);
const DELSETELEM = messageType(14);

export interface ElementChange extends SetRef {
	readonly action: "add" | "remove";
	readonly key: Uint8Array;
	readonly data?: Datum | undefined;
}

export interface ElementFailure {
	/** Undefined when the transaction as a whole failed. */
	readonly change: ElementChange | undefined;
	readonly error: NetlinkError;
	/** For ENOENT: what is not there. */
	readonly missing: "table" | "set" | "element" | undefined;
}

/** A batch that the kernel refused; nothing of it has happened. `code` is the first failure's. */
export class ElementBatchError extends Error {
	override readonly name = "ElementBatchError";
	readonly failures: readonly ElementFailure[];
	readonly code: string;

	constructor(failures: readonly [ElementFailure, ...ElementFailure[]]) {
		const [first] = failures;
		const more = failures.length === 1 ? "" : ` (and ${failures.length - 1} more)`;
		super(`${first.error.message}${more}`, { cause: first.error });
		this.failures = failures;
		this.code = first.error.code;
	}
}

export class ElementBatch {
	readonly #changes: ElementChange[] = [];

	get size(): number {
		return this.#changes.length;
	}

	/** `data` for a map; its length is the map's. */
	add({ family, table, set }: SetRef, key: Uint8Array, data?: Datum): this {
		this.#changes.push({ action: "add", family, table, set, key, data });
		return this;
	}

	remove({ family, table, set }: SetRef, key: Uint8Array): this {
		this.#changes.push({ action: "remove", family, table, set, key });
		return this;
	}

	/** The same in few messages, in order; which change one of them was refused for is not told. */
	bulk(): Request[] {
		const runs: [ElementChange, ...ElementChange[]][] = [];
		for (const change of this.#changes) {
			const run = runs.at(-1);
			if (run !== undefined && run.length < ELEMENTS_IN_MESSAGE && isAlike(run[0], change)) run.push(change);
			else runs.push([change]);
		}
		return runs.map((run) => requestOf(run[0], run));
	}

	/** One a change, in order. */
	requests(): Request[] {
		return this.#changes.map((change) => requestOf(change, [change]));
	}

	/** The error for what was refused of `requests()`, or undefined. An index outside them means the transaction as a whole. */
	errorOf(refusals: readonly Refusal[]): ElementBatchError | undefined {
		const [first, ...rest] = refusals.map(({ index, error }): ElementFailure => {
			const change = this.#changes[index];
			const missing = change !== undefined && error.code === "ENOENT" ? partAt(change, error.offset) : undefined;
			return { change, error, missing };
		});
		return first === undefined ? undefined : new ElementBatchError([first, ...rest]);
	}
}

function isAlike(one: ElementChange, other: ElementChange): boolean {
	return (
		one.action === other.action && one.set === other.set && one.table === other.table && one.family === other.family
	);
}

/** `changes` are like the first of them. */
function requestOf(change: ElementChange, changes: readonly ElementChange[]): Request {
	const { action, family, table, set } = change;
	const add = action === "add";
	return {
		label: `${action} element ${Buffer.from(change.key).toString("hex")} of ${family} ${table} ${set}`,
		type: add ? NEWSETELEM : DELSETELEM,
		flags: add ? NLM_F_CREATE : 0,
		body: encodeElements(change, changes),
	};
}
