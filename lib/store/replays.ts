/** Answers that were given, by method and request id: a repeated request gets the same one and changes nothing. */
import type { Reader } from "./reader.ts";
import type { Statement } from "./statement.ts";

/** How long an answer is kept. */
export const REPLAY_KEPT_MS = 24 * 60 * 60 * 1000;

/** Rows are numbered in the order of their times: as many are looked at as there are to forget. Beyond all where none is that young. */
const FIRST_SINCE = `
	SELECT coalesce((SELECT rowid FROM replay WHERE created_at >= ? ORDER BY rowid LIMIT 1), ${Number.MAX_SAFE_INTEGER})`;

export interface Replay {
	readonly bodyHash: string;
	readonly answer: Uint8Array;
}

export class Replays {
	readonly #reader: Reader;

	constructor(reader: Reader) {
		this.#reader = reader;
	}

	find(method: string, requestId: string): Replay | undefined {
		return this.#reader.get<Replay>(
			"SELECT body_hash AS bodyHash, answer FROM replay WHERE method = ? AND request_id = ?",
			method,
			requestId,
		);
	}

	/** Goes into the transaction that stores the result. A second record of the same request is a ConstraintError on `replay.method`. */
	record(method: string, requestId: string, bodyHash: string, answer: Uint8Array): Statement {
		return {
			sql: "INSERT INTO replay (method, request_id, body_hash, answer, created_at) VALUES (?, ?, ?, ?, ?)",
			params: [method, requestId, bodyHash, answer, Date.now()],
		};
	}

	/** The answer that was given in the end, in place of the one that was recorded. */
	amend(method: string, requestId: string, answer: Uint8Array): Statement {
		return {
			sql: "UPDATE replay SET answer = ? WHERE method = ? AND request_id = ?",
			params: [answer, method, requestId],
		};
	}

	/** Forgets answers older than this. The store does it by itself, for 24 hours, when it opens and every hour. */
	prune(olderThanMs: number = REPLAY_KEPT_MS): Statement {
		return { sql: `DELETE FROM replay WHERE rowid < (${FIRST_SINCE})`, params: [Date.now() - olderThanMs] };
	}
}
