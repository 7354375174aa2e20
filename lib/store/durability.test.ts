import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "vitest";
import { start } from "#lib/exec/run.ts";
import { Store } from "./store.ts";

const MIGRATIONS = ["CREATE TABLE pair (id INTEGER, half INTEGER, PRIMARY KEY (id, half)) STRICT"];
const ROUNDS = 5;

/** Writes pairs, AT_ONCE at a time, and says each id when it is durable. */
const PROGRAM = `
	import { writeSync } from "node:fs";
	import { Store } from ${JSON.stringify(new URL("./store.ts", import.meta.url).href)};
	const store = await Store.open({ path: process.env.STORE, migrations: ${JSON.stringify(MIGRATIONS)}, commitsLoneHere: true });
	let next = store.get("SELECT coalesce(max(id), 0) AS id FROM pair").id;
	const half = (id, n) => ({ sql: "INSERT INTO pair VALUES (?, ?)", params: [id, n] });
	await Promise.all(Array.from({ length: Number(process.env.AT_ONCE) }, async () => {
		for (;;) {
			const id = ++next;
			const transaction = [half(id, 1), half(id, 2)];
			await (id % 2 === 0 ? store.intend(transaction, "pair") : store.write(transaction, "pair"));
			writeSync(1, id + "\\n");
		}
	}));
`;

let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "wharf-durability-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function writer(path: string, env: Record<string, string> = {}) {
	return start(process.execPath, ["--input-type=module", "-e", PROGRAM], {
		env: { STORE: path, AT_ONCE: "8", ...env },
	});
}

async function stored(path: string) {
	await using store = await Store.open({ path, migrations: MIGRATIONS });
	const whole = store.all<{ id: number }>("SELECT id FROM pair GROUP BY id HAVING count(*) = 2");
	const torn = store.all("SELECT id FROM pair GROUP BY id HAVING count(*) <> 2");
	return { whole: new Set(whole.map(({ id }) => id)), torn };
}

test.each(["8", "1"])(
	"every transaction that was answered is there after SIGKILL, and none is torn: %s at once",
	async (atOnce) => {
		const path = join(folder, "x.db");
		const answered: number[] = [];
		for (let round = 0; round < ROUNDS; round++) {
			const killAfter = answered.length + 1 + Math.floor(Math.random() * 500);
			const child = writer(path, { AT_ONCE: atOnce });
			for await (const line of createInterface({ input: child.stdout })) {
				answered.push(Number(line));
				if (answered.length === killAfter) child.kill("SIGKILL");
			}
			expect(await child.done).toMatchObject({ signal: "SIGKILL" });
			const { whole, torn } = await stored(path);
			expect(torn).toEqual([]);
			expect(answered.filter((id) => !whole.has(id))).toEqual([]);
		}
	},
	60_000,
);

test("a labelled write has its kill point behind the commit", async () => {
	const path = join(folder, "x.db");
	const child = writer(path, { WHARF_KILL_POINT: "store.pair#9" });
	const lines: string[] = [];
	for await (const line of createInterface({ input: child.stdout })) lines.push(line);
	expect(await child.done).toMatchObject({ signal: "SIGKILL" });
	expect(lines).toHaveLength(8);
	const { whole } = await stored(path);
	// The ninth was durable, and nobody was told.
	expect(whole.size).toBeGreaterThan(8);
}, 60_000);
