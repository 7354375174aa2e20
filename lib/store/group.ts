/**
 * Group commit: all transactions that wait become durable by one COMMIT, and each of them holds or fails alone.
 *
 * Each is in a savepoint of its own. When the COMMIT itself fails, none of them is stored and each is told so.
 */
import type { DatabaseSync } from "node:sqlite";
import { ChangesError, type Failure, failureOf, mayBeOneOfThem } from "./errors.ts";
import type { Statement } from "./statement.ts";
import type { StatementCache } from "./statement-cache.ts";

export interface Transaction {
	readonly statements: readonly Statement[];
	/** False where it need not survive a power cut: then its COMMIT waits for no disk, unless another one of the group does. */
	readonly durable: boolean;
}

export interface GroupResult {
	/** One for each transaction, in order: why it was refused, or null when it is durable. */
	readonly outcomes: readonly (Failure | null)[];
	readonly commits: number;
}

export function commitGroup(database: DatabaseSync, cache: StatementCache, group: readonly Transaction[]): GroupResult {
	try {
		return attempt(database, cache, group);
	} catch (error) {
		if (database.isTransaction) database.exec("ROLLBACK");
		if (group.length > 1 && mayBeOneOfThem(error)) {
			const alone = group.map((transaction) => commitGroup(database, cache, [transaction]));
			return {
				outcomes: alone.flatMap((result) => result.outcomes),
				commits: alone.reduce((sum, result) => sum + result.commits, 0),
			};
		}
		const failure = failureOf(error);
		return { outcomes: group.map(() => failure), commits: 0 };
	}
}

/** Throws when the group as a whole failed. */
function attempt(database: DatabaseSync, cache: StatementCache, group: readonly Transaction[]): GroupResult {
	// In WAL mode FULL is an fsync with every COMMIT, and NORMAL none: the next FULL one makes all before it durable.
	const durable = group.some((transaction) => transaction.durable);
	// It has its effect when it is compiled, and not when it is run: it cannot be kept as the others are.
	database.exec(durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
	cache.prepare("BEGIN IMMEDIATE").run();
	// What one alone did goes by the transaction itself.
	const perform = group.length === 1 ? inTransaction : inSavepoint;
	const outcomes = group.map((transaction) => perform(database, cache, transaction));
	const anything = outcomes.includes(null);
	cache.prepare(anything ? "COMMIT" : "ROLLBACK").run();
	return { outcomes, commits: anything ? 1 : 0 };
}

function inSavepoint(database: DatabaseSync, cache: StatementCache, transaction: Transaction): Failure | null {
	database.exec("SAVEPOINT one");
	const failure = inTransaction(database, cache, transaction);
	database.exec(failure === null ? "RELEASE one" : "ROLLBACK TO one; RELEASE one");
	return failure;
}

/** What a failure leaves behind is the caller's to roll back. */
function inTransaction(database: DatabaseSync, cache: StatementCache, { statements }: Transaction): Failure | null {
	let sql = "";
	try {
		for (const statement of statements) {
			sql = statement.sql;
			run(cache, statement);
		}
		return null;
	} catch (error) {
		// A full disk or an I/O error may have rolled back all of the group already: then nobody's changes are there.
		if (!database.isTransaction) throw error;
		return failureOf(error, sql);
	}
}

function run(cache: StatementCache, { sql, params = [], changes }: Statement): void {
	const result = cache.prepare(sql).run(...params);
	const actual = Number(result.changes);
	if (changes !== undefined && changes !== actual) throw new ChangesError({ expected: changes, actual, sql });
}
