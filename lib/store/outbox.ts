/**
 * Facts that wait to be published: each is inserted in the transaction that makes it true, and removed when the world has it.
 *
 * Rows are numbered in the order of their commits and no number is ever used again.
 */
import type { Reader } from "./reader.ts";
import type { Statement } from "./statement.ts";

export interface OutboxRow {
	readonly row: number;
	readonly subject: string;
	readonly payload: Uint8Array;
	readonly occurredAt: Date;
}

/** Goes into the transaction whose fact it states. */
export function outboxEntry(subject: string, payload: Uint8Array): Statement {
	return {
		sql: "INSERT INTO outbox (subject, payload, occurred_at) VALUES (?, ?, ?)",
		params: [subject, payload, Date.now()],
	};
}

/** As many entries of one subject, in order, by one statement. */
export function outboxEntries(subject: string, payloads: readonly Uint8Array[]): Statement {
	let end = 1;
	const places = payloads.map(({ length }) => {
		end += length;
		return [end - length, length];
	});
	return {
		sql: `INSERT INTO outbox (subject, payload, occurred_at)
			SELECT ?, substr(?, value ->> 0, value ->> 1), ? FROM json_each(?)`,
		params: [subject, Buffer.concat(payloads), Date.now(), JSON.stringify(places)],
	};
}

export class Outbox {
	readonly #reader: Reader;

	constructor(reader: Reader) {
		this.#reader = reader;
	}

	/** The oldest rows beyond `row`, in order. */
	after(row: number, limit: number): OutboxRow[] {
		return this.#reader
			.all<{ row: number; subject: string; payload: Uint8Array; occurred_at: number }>(
				"SELECT row, subject, payload, occurred_at FROM outbox WHERE row > ? ORDER BY row LIMIT ?",
				row,
				limit,
			)
			.map(({ occurred_at, ...rest }) => ({ ...rest, occurredAt: new Date(occurred_at) }));
	}

	/** How many rows wait. Constant time: rows leave at the old end only. */
	size(): number {
		const edges = this.#reader.get<{ size: number }>(
			"SELECT coalesce((SELECT max(row) FROM outbox) - (SELECT min(row) FROM outbox) + 1, 0) AS size",
		);
		return edges?.size ?? 0;
	}

	/** Removes `row` and all before it. */
	remove(upTo: number): Statement {
		return { sql: "DELETE FROM outbox WHERE row <= ?", params: [upTo] };
	}
}
