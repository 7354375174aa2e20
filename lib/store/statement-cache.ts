/** Prepared statements of one connection by their text, the least used dropped beyond a bound. */
import type { DatabaseSync, StatementSync } from "node:sqlite";

const LIMIT = 512;

export class StatementCache {
	readonly #database: DatabaseSync;
	readonly #bigints: boolean;
	readonly #statements = new Map<string, StatementSync>();

	constructor(database: DatabaseSync, { bigints = false }: { bigints?: boolean } = {}) {
		this.#database = database;
		this.#bigints = bigints;
	}

	prepare(sql: string): StatementSync {
		let statement = this.#statements.get(sql);
		if (statement === undefined) {
			statement = this.#database.prepare(sql);
			if (this.#bigints) statement.setReadBigInts(true);
			const [oldest] = this.#statements.keys();
			if (oldest !== undefined && this.#statements.size >= LIMIT) this.#statements.delete(oldest);
		} else {
			this.#statements.delete(sql);
		}
		// Last in the map's order is the last used.
		this.#statements.set(sql, statement);
		return statement;
	}
}
