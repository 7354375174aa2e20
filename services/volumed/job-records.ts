/** The journal of backups to files and of restores: what has to be mended when one was cut off. */
import { createHash } from "node:crypto";
import type { Statement, Store } from "#lib/store/store.ts";
import type { ArchiveResult } from "./job.ts";
import type { JobIdentity, JobKind } from "./jobs.ts";

export interface StoredJob extends JobIdentity {
	readonly id: string;
	/** Of a backup: where it is to be, and where it is until then. */
	readonly path: string;
	readonly temporary: string;
	/** Of a restore: its stage is within the content, and all of it has entered that. */
	readonly isInside: boolean;
	readonly isEntered: boolean;
	/** Of what was about to take its place, with the result that is true if it has. */
	readonly sealed: { readonly identity: string; readonly result: ArchiveResult } | undefined;
}

interface Row {
	readonly id: string;
	readonly kind: "backup" | "restore";
	/** Whose answer its result is. */
	readonly asked: "" | JobKind;
	readonly volume: string;
	readonly request_id: string;
	readonly body_hash: string;
	readonly path: string;
	readonly temporary: string;
	readonly inside: number;
	readonly entered: number;
	readonly identity: string | null;
	readonly result: string | null;
}

export class JobRecords {
	readonly #store: Store;

	constructor(store: Store) {
		this.#store = store;
	}

	all(): StoredJob[] {
		return this.#store.all<Row>("SELECT * FROM job ORDER BY started_at").map((row) => ({
			id: row.id,
			kind: row.asked === "" ? row.kind : row.asked,
			volume: row.volume,
			requestId: row.request_id,
			bodyHash: row.body_hash,
			path: row.path,
			temporary: row.temporary,
			isInside: row.inside === 1,
			isEntered: row.entered === 1,
			sealed:
				row.identity === null || row.result === null
					? undefined
					: { identity: row.identity, result: JSON.parse(row.result) },
		}));
	}

	insert(
		job: Omit<StoredJob, "sealed" | "isInside" | "isEntered"> & Partial<Pick<StoredJob, "isInside">>,
		now: number,
	): Statement {
		const { id, kind, volume, requestId, bodyHash, path, temporary, isInside = false } = job;
		return {
			sql: `INSERT INTO job (id, kind, asked, volume, request_id, body_hash, path, temporary, inside, started_at)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			params: [
				id,
				kind === "backup" ? kind : "restore",
				kind,
				volume,
				requestId,
				bodyHash,
				path,
				temporary,
				isInside ? 1 : 0,
				now,
			],
		};
	}

	/** What was staged is the content; the stage itself may still be there. */
	entered(id: string): Statement {
		return { sql: "UPDATE job SET entered = 1 WHERE id = ?", params: [id], changes: 1 };
	}

	/** The last word before the one step that makes it true. */
	seal(id: string, identity: string, result: ArchiveResult): Statement {
		return {
			sql: "UPDATE job SET identity = ?, result = ? WHERE id = ?",
			params: [identity, JSON.stringify(result), id],
			changes: 1,
		};
	}

	delete(id: string): Statement {
		return { sql: "DELETE FROM job WHERE id = ?", params: [id] };
	}

	/** The result of a request that ended well, kept a day. */
	answer({ kind, requestId, bodyHash }: JobIdentity, result: object): Statement {
		return this.#store.replays.record(kind, requestId, bodyHash, Buffer.from(JSON.stringify(result)));
	}

	/** What came of it in the end, in place of what was recorded. */
	amend({ kind, requestId }: JobIdentity, result: ArchiveResult): Statement {
		return this.#store.replays.amend(kind, requestId, Buffer.from(JSON.stringify(result)));
	}

	findAnswer<R = ArchiveResult>(
		kind: JobKind,
		requestId: string,
	): { readonly bodyHash: string; readonly result: R } | undefined {
		const found = this.#store.replays.find(kind, requestId);
		return found && { bodyHash: found.bodyHash, result: JSON.parse(Buffer.from(found.answer).toString("utf8")) };
	}
}

/** `volume` is the one that it keeps busy, when that is not the specification's. */
export function identityOf(
	kind: JobKind,
	spec: { readonly requestId: string; readonly volume: string | undefined },
	volume = spec.volume ?? "",
): JobIdentity {
	return { kind, requestId: spec.requestId, volume, bodyHash: bodyHashOf(spec) };
}

export function bodyHashOf(spec: object): string {
	const plain = (_: string, value: unknown): unknown => (value instanceof Map ? [...value].sort() : value);
	const entries = Object.entries(spec).toSorted(([a], [b]) => (a < b ? -1 : 1));
	return createHash("sha256").update(JSON.stringify(entries, plain)).digest("hex");
}
