/** Reads on the caller's thread: each sees all that was committed when it began, and nothing of a transaction under way. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { errorOf, failureOf } from "./errors.ts";
import type { SqlValue } from "./statement.ts";
import { StatementCache } from "./statement-cache.ts";

export class Reader {
	readonly #path: string;
	readonly #statements: StatementCache;

	constructor(path: string, database: DatabaseSync, options?: { bigints: boolean }) {
		this.#path = path;
		this.#statements = new StatementCache(database, options);
	}

	/** The row type is the caller's claim about its own SQL, here and in get(). */
	all<R>(sql: string, ...params: SqlValue[]): R[] {
		return this.#run(sql, (statement) => statement.all(...params)) as R[];
	}

	// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the claim of all(), of one row.
	get<R>(sql: string, ...params: SqlValue[]): R | undefined {
		return this.#run(sql, (statement) => statement.get(...params)) as R | undefined;
	}

	#run<T>(sql: string, body: (statement: StatementSync) => T): T {
		try {
			return body(this.#statements.prepare(sql));
		} catch (error) {
			throw errorOf(failureOf(error, sql), this.#path);
		}
	}
}
