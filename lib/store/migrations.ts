/**
 * Brings a file to the version that this program knows; each step is one transaction, so a crash leaves a whole version.
 *
 * Two counts are kept apart: the store's own tables in `meta`, the service's in `PRAGMA user_version`. Migrations are only ever appended.
 */
import type { DatabaseSync } from "node:sqlite";
import type { Failure } from "./errors.ts";

const STORE_MIGRATIONS: readonly string[] = [
	`
	INSERT INTO meta (key, value) VALUES ('epoch', lower(hex(randomblob(8))));
	CREATE TABLE outbox (
		row INTEGER PRIMARY KEY AUTOINCREMENT,
		subject TEXT NOT NULL,
		payload BLOB NOT NULL,
		occurred_at INTEGER NOT NULL
	) STRICT;
	CREATE TABLE replay (
		method TEXT NOT NULL,
		request_id TEXT NOT NULL,
		body_hash TEXT NOT NULL,
		answer BLOB NOT NULL,
		created_at INTEGER NOT NULL,
		PRIMARY KEY (method, request_id)
	) STRICT;
	CREATE INDEX replay_created_at ON replay (created_at);
	`,
	// A page less to be written with each answer: rows are in the order of their times.
	"DROP INDEX replay_created_at",
];

export class NewerFile extends Error {
	readonly failure: Failure;
	constructor(version: number, known: number) {
		super(`version ${version}, known ${known}`);
		this.failure = { kind: "newer", version, known };
	}
}

export function migrate(database: DatabaseSync, service: readonly string[]): void {
	const store = storeVersion(database);
	const own = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
	if (store > STORE_MIGRATIONS.length) throw new NewerFile(store, STORE_MIGRATIONS.length);
	if (own > service.length) throw new NewerFile(own, service.length);

	// A migration may rebuild a table that others refer to: the keys are checked at its end instead (https://www.sqlite.org/lang_altertable.html).
	database.exec("PRAGMA foreign_keys = OFF");
	for (const [index, sql] of STORE_MIGRATIONS.entries()) {
		if (index >= store) step(database, sql, `UPDATE meta SET value = '${index + 1}' WHERE key = 'store_version'`);
	}
	for (const [index, sql] of service.entries()) {
		if (index >= own) step(database, sql, `PRAGMA user_version = ${index + 1}`);
	}
	database.exec("PRAGMA foreign_keys = ON");
}

function storeVersion(database: DatabaseSync): number {
	database.exec(`
		BEGIN IMMEDIATE;
		CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
		INSERT OR IGNORE INTO meta (key, value) VALUES ('store_version', '0');
		COMMIT;
	`);
	return Number(database.prepare("SELECT value FROM meta WHERE key = 'store_version'").get()?.["value"]);
}

function step(database: DatabaseSync, sql: string, mark: string): void {
	database.exec("BEGIN IMMEDIATE");
	try {
		database.exec(sql);
		const [broken] = database.prepare("PRAGMA foreign_key_check").all();
		if (broken !== undefined) throw new Error(`a migration breaks a foreign key of ${String(broken["table"])}`);
		database.exec(mark);
		database.exec("COMMIT");
	} catch (error) {
		if (database.isTransaction) database.exec("ROLLBACK");
		throw error;
	}
}
