import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Store } from "./store.ts";

let folder: string;
let path: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "wharf-migrations-"));
	path = join(folder, "x.db");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function openAndClose(migrations: readonly string[]): Promise<void> {
	const store = await Store.open({ path, migrations });
	await store.close();
}

/** The file as another program sees it. */
function inspect<T>(body: (database: DatabaseSync) => T): T {
	const database = new DatabaseSync(path);
	try {
		return body(database);
	} finally {
		database.close();
	}
}
const version = () => inspect((database) => database.prepare("PRAGMA user_version").get());
const tables = () =>
	inspect((database) =>
		database
			.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
			.all()
			.map(({ name }) => name),
	);

const ONE = "CREATE TABLE a (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO a VALUES (1, 10);";
const TWO = "ALTER TABLE a ADD COLUMN m INTEGER NOT NULL DEFAULT 3; CREATE TABLE b (a INTEGER REFERENCES a (id))";

describe("migrations", () => {
	test("each runs once, in order, and rows stay", async () => {
		await openAndClose([ONE]);
		expect(version()).toEqual({ user_version: 1 });
		await openAndClose([ONE, TWO]);
		await openAndClose([ONE, TWO]);
		expect(version()).toEqual({ user_version: 2 });
		expect(tables()).toEqual(["a", "b", "meta", "outbox", "replay"]);
		expect(inspect((database) => database.prepare("SELECT * FROM a").all())).toEqual([{ id: 1, n: 10, m: 3 }]);
	});

	test("the store's own version is counted apart from the service's", async () => {
		await openAndClose([]);
		expect(version()).toEqual({ user_version: 0 });
		const own = inspect((database) => database.prepare("SELECT value FROM meta WHERE key = 'store_version'").get());
		expect(own).toEqual({ value: "2" });
		await openAndClose([ONE]);
		expect(tables()).toContain("a");
	});

	test("one that fails leaves the version before it, whole", async () => {
		await expect(openAndClose([ONE, "CREATE TABLE c (id); INSERT INTO nowhere VALUES (1)"])).rejects.toThrow("nowhere");
		expect(version()).toEqual({ user_version: 1 });
		expect(tables()).not.toContain("c");
		await openAndClose([ONE, TWO]);
		expect(version()).toEqual({ user_version: 2 });
	});

	test("a table that others refer to can be rebuilt; a broken reference is refused", async () => {
		await openAndClose([ONE, `${TWO}; INSERT INTO b VALUES (1)`]);
		const rebuild = (where: string) =>
			`CREATE TABLE a2 (id INTEGER PRIMARY KEY); INSERT INTO a2 SELECT id FROM a ${where}; DROP TABLE a; ALTER TABLE a2 RENAME TO a`;
		await expect(openAndClose([ONE, TWO, rebuild("WHERE id > 1")])).rejects.toThrow("breaks a foreign key of b");
		await openAndClose([ONE, TWO, rebuild("")]);
		expect(version()).toEqual({ user_version: 3 });
		const store = await Store.open({ path, migrations: [ONE, TWO, rebuild("")] });
		await expect(store.write([{ sql: "INSERT INTO b VALUES (9)" }])).rejects.toMatchObject({ kind: "foreign-key" });
		await store.close();
	});

	test("a newer file is refused and not changed", async () => {
		await openAndClose([ONE, TWO]);
		const before = readFileSync(path);
		const opening = openAndClose([ONE]);
		await expect(opening).rejects.toMatchObject({ reason: "STORE_NEWER", metadata: { version: "2", known: "1" } });
		expect(readFileSync(path).equals(before)).toBe(true);

		inspect((database) => database.exec("UPDATE meta SET value = '99' WHERE key = 'store_version'"));
		await expect(openAndClose([ONE, TWO])).rejects.toMatchObject({
			reason: "STORE_NEWER",
			metadata: { version: "99" },
		});
	});
});

describe("damage", () => {
	test("a file that is no database is refused with what to do", async () => {
		writeFileSync(path, "not a database ".repeat(1000));
		await expect(openAndClose([ONE])).rejects.toMatchObject({
			reason: "STORE_CORRUPT",
			help: expect.stringContaining(".recover"),
		});
	});

	test("a page that was overwritten is found when the file is opened", async () => {
		await openAndClose([ONE]);
		const rows = "WITH RECURSIVE c (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM c WHERE i < 5000)";
		inspect((database) => database.exec(`PRAGMA journal_mode = DELETE; INSERT INTO a ${rows} SELECT i, i FROM c`));
		const bytes = readFileSync(path);
		bytes.fill(0xff, bytes.length - 4096);
		writeFileSync(path, bytes);
		await expect(openAndClose([ONE])).rejects.toMatchObject({ code: "DATA_LOSS", reason: "STORE_CORRUPT" });
	});
});
