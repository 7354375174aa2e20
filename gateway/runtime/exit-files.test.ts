import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ExitFiles } from "./exit-files.ts";

const [ONE, TWO] = ["1".repeat(64), "2".repeat(64)];

let dir = "";
let files: ExitFiles;

beforeEach(() => {
	dir = mkdtempSync(join(tmpdir(), "wharf-exits-"));
	files = new ExitFiles(dir);
});

afterEach(() => rmSync(dir, { recursive: true }));

/** As conmon does. */
function write(id: string, status: string): void {
	writeFileSync(join(dir, `${id}.tmp`), status);
	renameSync(join(dir, `${id}.tmp`), join(dir, id));
}

test("those that are there come first, then those that are written", async () => {
	write(ONE, "7");
	const abort = new AbortController();
	const seen: unknown[] = [];
	for await (const exit of files.follow(abort.signal)) {
		seen.push(exit);
		if (exit.id === ONE) write(TWO, "137");
		else abort.abort();
	}
	expect(seen).toEqual([
		{ id: ONE, exitCode: 7 },
		{ id: TWO, exitCode: 137 },
	]);
});

test("what is no exit status is nobody's", async () => {
	write(ONE, "not a number");
	writeFileSync(join(dir, "README"), "0");
	expect(await files.read(ONE)).toBeUndefined();
	const abort = new AbortController();
	queueMicrotask(() => write(TWO, "0"));
	for await (const exit of files.follow(abort.signal)) {
		expect(exit).toEqual({ id: TWO, exitCode: 0 });
		abort.abort();
	}
});

test("one that was stored is forgotten, and forgetting it again is fine", async () => {
	write(ONE, "0");
	await files.remove(ONE);
	await files.remove(ONE);
	expect(readdirSync(dir)).toEqual([]);
	expect(await files.read(ONE)).toBeUndefined();
});
