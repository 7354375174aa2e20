import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { commitGroup, type Transaction } from "./group.ts";
import type { Statement } from "./statement.ts";
import { StatementCache } from "./statement-cache.ts";

function database() {
	const db = new DatabaseSync(":memory:");
	db.exec(`
		CREATE TABLE parent (id INTEGER PRIMARY KEY);
		CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED, body BLOB);
	`);
	const child = (id: number, parent: number | null, body: Uint8Array | null = null) => ({
		sql: "INSERT INTO child VALUES (?, ?, ?)",
		params: [id, parent, body],
	});
	const ids = () =>
		db
			.prepare("SELECT id FROM child ORDER BY id")
			.all()
			.map(({ id }) => id);
	return { db, child, ids, cache: new StatementCache(db) };
}

/** Durable transactions of these statements. */
const group = (...transactions: Statement[][]): Transaction[] =>
	transactions.map((statements) => ({ statements, durable: true }));

describe("commitGroup", () => {
	test("a deferred foreign key, which shows only at COMMIT, fails its own transaction alone", () => {
		const { db, child, ids, cache } = database();
		const result = commitGroup(
			db,
			cache,
			group([child(1, null)], [child(2, 77)], [child(3, 5), { sql: "INSERT INTO parent VALUES (5)" }]),
		);
		expect(result.outcomes).toMatchObject([null, { kind: "constraint", constraintKind: "foreign-key" }, null]);
		expect(result.commits).toBe(2);
		expect(ids()).toEqual([1, 3]);
	});

	test("a transaction that does not fit on the disk is refused as the machine's fault, the others hold", () => {
		const { db, child, ids, cache } = database();
		db.exec("PRAGMA max_page_count = 20");
		const { outcomes } = commitGroup(
			db,
			cache,
			group([child(1, null)], [child(2, null, new Uint8Array(200_000))], [child(3, null)]),
		);
		expect(outcomes).toMatchObject([null, { kind: "unavailable", problem: "database or disk is full" }, null]);
		expect(ids()).toEqual([1, 3]);
		expect(db.isTransaction).toBe(false);
	});

	test("when nobody can begin, everybody is told", () => {
		const { db, child, cache } = database();
		db.exec("PRAGMA query_only = ON");
		expect(commitGroup(db, cache, group([child(1, null)], [child(2, null)])).outcomes).toMatchObject([
			{ kind: "unavailable" },
			{ kind: "unavailable" },
		]);
	});

	test("one that must survive a power cut takes the others along to the disk; alone they wait for none", () => {
		const { db, child, cache } = database();
		const synchronous = () => db.prepare("PRAGMA synchronous").get()?.["synchronous"];
		const intent = (id: number): Transaction => ({ statements: [child(id, null)], durable: false });
		commitGroup(db, cache, [intent(1), intent(2)]);
		expect(synchronous()).toBe(1);
		commitGroup(db, cache, [intent(3), ...group([child(4, null)])]);
		expect(synchronous()).toBe(2);
	});
});
