import { randomFillSync } from "node:crypto";
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { scratchTrees } from "../test-support/scratch-trees.ts";
import type { Packing } from "./packing.ts";

const scratch = scratchTrees("packing");
const never = new AbortController().signal;

async function* archiveOf(packing: Packing, twice: boolean): AsyncGenerator<Buffer, void> {
	yield* packing.tree();
	if (twice) {
		await packing.catchUp();
		yield* packing.tree();
	}
	yield* packing.manifest("test", new Date(0));
}

function fill(files: number): string {
	for (let file = 0; file < files; file++) {
		writeFileSync(join(scratch.folder, `from/f${file}`), randomFillSync(Buffer.alloc(400_000)));
	}
	return join(scratch.folder, "from");
}

const patterns = { include: [], exclude: [] };
const TREES: [string, number, boolean][] = [
	["one buffer", 1, false],
	["one buffer, and is gone through twice", 1, true],
	["many buffers", 40, false],
	["many buffers, and is gone through twice", 40, true],
];

test.each(TREES)(
	"what came last is its reader's for as long as it says: of a tree that fills %s",
	async (_, files, twice) => {
		await using packing = await scratch.archiver.pack({ path: fill(files), patterns, twice }, never);
		let held: { readonly bytes: Buffer; readonly as: Buffer } | undefined;
		const intact: boolean[] = [];
		for await (const bytes of archiveOf(packing, twice)) {
			// Long enough for the threads to do all that they can.
			await sleep(20);
			intact.push(held?.bytes.equals(held.as) ?? true);
			held = { bytes, as: Buffer.from(bytes) };
		}
		expect(intact.length).toBeGreaterThanOrEqual(files > 1 ? 16 : 2);
		expect(intact).not.toContain(false);
	},
);

test.each(TREES)(
	"one that goes to a file is the one that comes otherwise: of a tree that fills %s",
	async (_, files, twice) => {
		const path = fill(files);
		await sleep(100); // what was written just before it was read comes again in the second pass
		const spec = { path, patterns, twice };
		const read: Buffer[] = [];
		await using packing = await scratch.archiver.pack(spec, never);
		for await (const bytes of archiveOf(packing, twice)) read.push(Buffer.from(bytes));

		const file = join(scratch.folder, "archive.tar");
		const fd = openSync(file, "wx");
		const into = { fd, path: file, temporary: file };
		await using writing = await scratch.archiver.pack({ ...spec, into }, never);
		let rest = 0;
		for await (const bytes of archiveOf(writing, twice)) rest += writeSync(fd, bytes);
		closeSync(fd);
		const whole = Buffer.concat(read);
		expect(readFileSync(file).equals(whole)).toBe(true);
		expect(writing.progress).toEqual(packing.progress);
		expect(writing.progress.bytes + rest).toBe(whole.length);
	},
);

test("one that its file has no room for says which", async () => {
	const fd = openSync("/dev/full", "w");
	const into = { fd, path: "/backup/data.tar", temporary: "/backup/part" };
	await using packing = await scratch.archiver.pack({ path: fill(1), patterns, twice: false, into }, never);
	closeSync(fd); // the packer has its own
	await expect(packing.tree().next()).rejects.toMatchObject({
		reason: "DISK_FULL",
		message: expect.stringContaining("/backup/data.tar") as string,
	});
});
