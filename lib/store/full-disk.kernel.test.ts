import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { run } from "#lib/exec/run.ts";

let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "wharf-full-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Fills a file system that only this process's mount namespace has, until writes fail; then makes room. */
const PROGRAM = `
	import { rmSync, writeFileSync } from "node:fs";
	import { Store } from ${JSON.stringify(new URL("./store.ts", import.meta.url).href)};
	const folder = process.env.FOLDER;
	writeFileSync(folder + "/ballast", new Uint8Array(1 << 20));
	const store = await Store.open({ path: folder + "/state/x.db", migrations: ["CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)"] });
	const insert = (id) => store.write([{ sql: "INSERT INTO t VALUES (?, ?)", params: [id, new Uint8Array(20_000)] }]);
	const answered = [];
	const reasons = new Set();
	for (let id = 0; id < 400; id += 4) {
		const results = await Promise.allSettled([0, 1, 2, 3].map((n) => insert(id + n)));
		for (const [n, result] of results.entries()) {
			if (result.status === "fulfilled") answered.push(id + n);
			else reasons.add(result.reason.reason);
		}
	}
	rmSync(folder + "/ballast");
	await insert(1000);
	answered.push(1000);
	await store.close();
	const again = await Store.open({ path: folder + "/state/x.db", migrations: ["CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)"] });
	const rows = again.all("SELECT id FROM t ORDER BY id").map(({ id }) => id);
	await again.close();
	console.log(JSON.stringify({ answered, rows, reasons: [...reasons] }));
`;

test("on a full disk writes are refused and nothing is half done; with room again they work", async () => {
	const { stdout } = await run(
		"unshare",
		[
			"--mount",
			"sh",
			"-c",
			'mount -t tmpfs -o size=4m tmpfs "$FOLDER" && exec "$NODE" --input-type=module -e "$PROGRAM"',
		],
		{ env: { FOLDER: folder, NODE: process.execPath, PROGRAM } },
	);
	// The program above wrote it.
	const seen = JSON.parse(stdout) as { answered: number[]; rows: number[]; reasons: string[] };
	expect(seen.reasons).toEqual(["STORE_UNAVAILABLE"]);
	expect(seen.answered.length).toBeGreaterThan(5);
	expect(seen.answered.length).toBeLessThan(400);
	expect(seen.rows).toEqual(seen.answered);
});
