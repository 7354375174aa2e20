import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { run } from "#lib/exec/run.ts";
import { outboxEntries } from "./outbox.ts";
import { outboxEntry, type Statement, Store } from "./store.ts";

const MIGRATIONS = ["CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT UNIQUE, body BLOB) STRICT"];

let folder: string;
let path: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "wharf-store-"));
	path = join(folder, "root", "state", "thing.db");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = () => Store.open({ path, migrations: MIGRATIONS });
const insert = (id: number, name = `n${id}`): Statement => ({
	sql: "INSERT INTO thing (id, name) VALUES (?, ?)",
	params: [id, name],
});
const ids = (store: Store) => store.all<{ id: number }>("SELECT id FROM thing ORDER BY id").map(({ id }) => id);

/** What another program finds in the file. */
function onDisk(sql: string): unknown[] {
	const database = new DatabaseSync(path, { readOnly: true });
	try {
		return database.prepare(sql).all();
	} finally {
		database.close();
	}
}

describe("reads and writes", () => {
	test("a read sees each write that was answered", async () => {
		await using store = await open();
		for (let id = 1; id <= 50; id++) {
			await store.write([insert(id)]);
			expect(store.get("SELECT name FROM thing WHERE id = ?", id)).toEqual({ name: `n${id}` });
		}
		expect(onDisk("SELECT count(*) AS n FROM thing")).toEqual([{ n: 50 }]);
	});

	test("a read that finds nothing, and one that is wrong", async () => {
		await using store = await open();
		expect(store.get("SELECT * FROM thing")).toBeUndefined();
		expect(store.all("SELECT * FROM thing")).toEqual([]);
		expect(() => store.all("SELECT absent FROM thing")).toThrow("no such column: absent: SELECT absent FROM thing");
		expect(() => store.all("DELETE FROM thing")).toThrow("readonly");
	});

	test("integers beyond 2^53 are read as bigint, bytes come back as they went", async () => {
		await using store = await open();
		const pooled = Buffer.from("abc").subarray(1);
		const big = 2n ** 60n;
		await store.write([{ sql: "INSERT INTO thing VALUES (?, ?, ?)", params: [big, null, pooled] }]);
		expect(store.bigints.get("SELECT id FROM thing")).toEqual({ id: big });
		expect(store.get("SELECT name, body FROM thing")).toEqual({ name: null, body: new Uint8Array([98, 99]) });
		expect(() => store.get("SELECT id FROM thing")).toThrow("too large");
	});
});

describe("transactions", () => {
	test("all that wait share one COMMIT", async () => {
		await using store = await open();
		await Promise.all(Array.from({ length: 100 }, (_, id) => store.write([insert(id)])));
		expect(store.stats).toEqual({ transactions: 100, commits: 1 });

		// What comes while a commit is under way goes into the next one.
		const first = store.write([insert(1000)]);
		await new Promise(setImmediate);
		await Promise.all([first, ...Array.from({ length: 20 }, (_, n) => store.write([insert(1001 + n)]))]);
		expect(store.stats).toEqual({ transactions: 121, commits: 3 });
	});

	test("one that fails, fails alone and leaves nothing of itself", async () => {
		await using store = await open();
		await store.write([insert(1, "taken")]);
		const results = await Promise.allSettled([
			store.write([insert(2)]),
			store.write([insert(3), insert(4, "taken")]),
			store.write([insert(5), { sql: "UPDATE thing SET name = 'x' WHERE id = 99", changes: 1 }]),
			store.write([insert(6), { sql: "INSERT INTO nowhere VALUES (1)" }]),
			store.write([insert(7)]),
		]);
		expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "rejected", "fulfilled"]);
		expect(ids(store)).toEqual([1, 2, 7]);
		expect(results[2]).toMatchObject({ reason: { name: "ChangesError", expected: 1, actual: 0 } });
		expect(results[3]).toMatchObject({ reason: { message: expect.stringContaining("nowhere") } });
		expect(store.stats.commits).toBe(2);
	});

	test("nothing is committed when everyone fails, and the next write works", async () => {
		await using store = await open();
		await store.write([insert(1)]);
		await expect(store.write([insert(2), insert(1)])).rejects.toThrow("UNIQUE");
		expect(store.stats).toEqual({ transactions: 2, commits: 1 });
		await store.write([insert(2)]);
		expect(ids(store)).toEqual([1, 2]);
	});

	test("they are committed in the order in which they were asked for", async () => {
		await using store = await open();
		const set = (name: string): Statement => ({
			sql: "UPDATE thing SET name = ? WHERE id = 1",
			params: [name],
			changes: 1,
		});
		await Promise.all([store.write([insert(1)]), ...Array.from({ length: 50 }, (_, n) => store.write([set(`v${n}`)]))]);
		expect(store.get("SELECT name FROM thing WHERE id = 1")).toEqual({ name: "v49" });
	});

	test("an intent is there at once while the writer rests, keeps its place behind others, and waits for other programs", async () => {
		await using store = await open();
		const intending = store.intend([insert(1)], "thing");
		expect(ids(store)).toEqual([1]);
		await intending;
		expect(store.stats).toEqual({ transactions: 1, commits: 1 });
		await expect(store.intend([insert(1)], "thing")).rejects.toThrow("UNIQUE");
		expect(onDisk("SELECT id FROM thing")).toEqual([{ id: 1 }]);

		const rename = (name: string): Statement => ({ sql: "UPDATE thing SET name = ? WHERE id = 1", params: [name] });
		const first = store.write([rename("first")]);
		const second = store.intend([rename("second")], "thing");
		expect(store.get("SELECT name FROM thing")).toEqual({ name: "n1" });
		await Promise.all([first, second]);
		expect(store.get("SELECT name FROM thing")).toEqual({ name: "second" });

		const other = new DatabaseSync(path);
		other.exec("BEGIN IMMEDIATE");
		const waiting = store.intend([insert(2)], "thing");
		expect(ids(store)).toEqual([1]);
		other.exec("ROLLBACK");
		other.close();
		await waiting;
		expect(ids(store)).toEqual([1, 2]);
	});

	test("what comes alone is committed by the caller where that is wanted, and what comes together by the thread", async () => {
		await using store = await Store.open({ path, migrations: MIGRATIONS, commitsLoneHere: true });
		const order: string[] = [];
		const lone = store.write([insert(1)]).then(() => order.push("written"));
		setImmediate(() => setImmediate(() => order.push("a turn later")));
		expect(ids(store)).toEqual([]);
		await lone;
		await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
		// The thread's answer takes more than a turn of the loop.
		expect(order).toEqual(["written", "a turn later"]);
		expect(store.stats).toEqual({ transactions: 1, commits: 1 });
		await expect(store.write([insert(1)])).rejects.toThrow("UNIQUE");
		await Promise.all([2, 3, 4].map((id) => store.write([insert(id)])));
		expect(store.stats).toEqual({ transactions: 5, commits: 2 });
		const other = new DatabaseSync(path);
		other.exec("BEGIN IMMEDIATE");
		const waiting = store.write([insert(5)]);
		setTimeout(() => other.exec("ROLLBACK"), 50);
		await waiting;
		other.close();
		expect(ids(store)).toEqual([1, 2, 3, 4, 5]);
	});

	test("what comes alone, again and again, does not let the log grow", async () => {
		await using store = await Store.open({ path, migrations: MIGRATIONS, commitsLoneHere: true });
		let largest = 0;
		for (let id = 1; id <= 3_000; id++) {
			await store.write([insert(id)]);
			largest = Math.max(largest, statSync(`${path}-wal`).size);
		}
		// 1,000 pages of 4 KiB are moved at a time, and at most 200 transactions of some pages come before.
		expect(largest).toBeLessThan(16 * 1024 * 1024);
		expect(ids(store)).toHaveLength(3_000);
	});

	test("listeners hear of each commit when it can be read, until they are disposed of", async () => {
		await using store = await open();
		const seen: number[][] = [];
		const listening = store.onCommit(() => seen.push(ids(store)));
		await store.write([insert(1)]);
		await store.write([insert(2)]);
		listening[Symbol.dispose]();
		await store.write([insert(3)]);
		expect(seen).toEqual([[1], [1, 2]]);
	});
});

describe("the file", () => {
	test("it and its folder are the owner's alone, and the folders above are not", async () => {
		await using store = await open();
		await store.write([insert(1)]);
		const mode = (file: string): string => (statSync(file).mode & 0o777).toString(8);
		expect(mode(join(folder, "root", "state"))).toBe("700");
		expect(mode(join(folder, "root"))).toBe("755");
		expect([path, `${path}-wal`, `${path}-shm`, `${path}.lock`].map(mode)).toEqual(["600", "600", "600", "600"]);
	});

	test("closing waits for what was asked for, and refuses what comes later", async () => {
		const store = await open();
		const writes = Array.from({ length: 10 }, (_, id) => store.write([insert(id)]));
		const closed = store.close();
		await expect(store.write([insert(99)])).rejects.toMatchObject({ reason: "STORE_UNAVAILABLE" });
		await closed;
		await Promise.all(writes);
		expect(onDisk("SELECT count(*) AS n FROM thing")).toEqual([{ n: 10 }]);
		await store.close();
	});

	test("its epoch stays with it; another file has another", async () => {
		const first = await open();
		expect(first.epoch).toMatch(/^[0-9a-f]{16}$/);
		await first.close();
		const again = await open();
		expect(again.epoch).toBe(first.epoch);
		await again.close();
		await using other = await Store.open({ path: join(folder, "other.db"), migrations: [] });
		expect(other.epoch).not.toBe(first.epoch);
	});

	test("a second opener is refused, in this process and in another", async () => {
		const store = await open();
		await expect(open()).rejects.toMatchObject({ reason: "STORE_IN_USE", metadata: { path } });
		const program = `
			import { Store } from ${JSON.stringify(new URL("./store.ts", import.meta.url).href)};
			await Store.open({ path: process.env.STORE, migrations: [] }).catch((e) => console.log(e.reason, e.message));
		`;
		const other = () => run(process.execPath, ["--input-type=module", "-e", program], { env: { STORE: path } });
		expect((await other()).stdout).toBe(
			`STORE_IN_USE ${path} is open in another process: this service is already running.\n`,
		);
		await store.write([insert(1)]);
		await store.close();
		expect((await other()).stdout).toContain("STORE_NEWER");
	});

	test("a place that cannot be written is named", async () => {
		writeFileSync(join(folder, "file"), "");
		const bad = Store.open({ path: join(folder, "file", "state", "x.db"), migrations: [] });
		await expect(bad).rejects.toMatchObject({ reason: "STORE_UNAVAILABLE" });
		await expect(bad).rejects.toThrow("file/state/x.db cannot be used: EEXIST");
	});
});

describe("outbox and replays", () => {
	test("many entries of one subject are one statement, whole and in order", async () => {
		await using store = await open();
		const payloads = [[1, 2, 0, 255], [], [3], Array.from({ length: 300 }, () => 7)].map((bytes) =>
			Uint8Array.from(bytes),
		);
		await store.write([outboxEntries("many", payloads), outboxEntry("after", new Uint8Array([9]))]);
		const rows = store.outbox.after(0, 9);
		expect(rows.map(({ row, subject }) => `${row} ${subject}`)).toEqual([
			...["1 many", "2 many", "3 many", "4 many"],
			"5 after",
		]);
		expect(rows.slice(0, 4).map(({ payload }) => payload)).toEqual(payloads);
	});

	test("entries are numbered in the order of their commits, and numbers are never used again", async () => {
		await using store = await open();
		await store.write([insert(1), outboxEntry("a", new Uint8Array([1]))]);
		await store.write([outboxEntry("b", new Uint8Array([2])), outboxEntry("c", new Uint8Array([3]))]);
		await expect(store.write([outboxEntry("lost", new Uint8Array()), insert(1)])).rejects.toThrow("UNIQUE");
		expect(store.outbox.after(0, 2)).toEqual([
			{ row: 1, subject: "a", payload: new Uint8Array([1]), occurredAt: expect.any(Date) },
			{ row: 2, subject: "b", payload: new Uint8Array([2]), occurredAt: expect.any(Date) },
		]);
		expect(store.outbox.size()).toBe(3);
		await store.write([store.outbox.remove(3)]);
		expect(store.outbox.size()).toBe(0);
		await store.write([outboxEntry("d", new Uint8Array())]);
		expect(store.outbox.after(0, 10).map(({ row }) => row)).toEqual([4]);
		expect(Date.now() - (store.outbox.after(0, 1)[0]?.occurredAt.getTime() ?? 0)).toBeLessThan(60_000);
	});

	test("an answer is found by method and request id, once", async () => {
		await using store = await open();
		const { replays } = store;
		await store.write([insert(1), replays.record("/a", "r1", "hash", new Uint8Array([7]))]);
		expect(replays.find("/a", "r1")).toEqual({ bodyHash: "hash", answer: new Uint8Array([7]) });
		expect(replays.find("/b", "r1")).toBeUndefined();
		await expect(store.write([replays.record("/a", "r1", "other", new Uint8Array())])).rejects.toMatchObject({
			kind: "unique",
			columns: ["replay.method", "replay.request_id"],
		});
	});

	test("answers older than a day are forgotten when the file is opened", async () => {
		const store = await open();
		const { replays } = store;
		await store.write([
			replays.record("/a", "old", "h", new Uint8Array()),
			{ sql: "UPDATE replay SET created_at = ?", params: [Date.now() - 25 * 3600 * 1000] },
			replays.record("/a", "young", "h", new Uint8Array()),
		]);
		await store.close();
		const again = await open();
		await again.close();
		expect(onDisk("SELECT request_id FROM replay")).toEqual([{ request_id: "young" }]);
		await using last = await open();
		await last.write([last.replays.prune(-1_000)]);
		expect(onDisk("SELECT request_id FROM replay")).toEqual([]);
	});
});
