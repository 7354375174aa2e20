import { randomFillSync } from "node:crypto";
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { mountFs, unmount } from "#lib/linux/mount/mount.ts";
import { descriptorTargets } from "#lib/linux/test-support/descriptors.ts";
import { scratchTrees } from "../test-support/scratch-trees.ts";
import type { Packing } from "./packing.ts";

const scratch = scratchTrees("packing");
const never = new AbortController().signal;

async function* archiveOf(packing: Packing, twice: boolean): AsyncGenerator<Buffer, void> {
	yield* packing.tree();
	if (twice) {
		await packing.catchUp([]);
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

test("one that goes to a file goes nowhere else, whatever has that file's descriptor by then", async () => {
	const file = join(scratch.folder, "archive.tar");
	const fd = openSync(file, "wx");
	const into = { fd, path: file, temporary: file };
	await using packing = await scratch.archiver.pack({ path: fill(8), patterns, twice: false, into }, never);
	closeSync(fd);
	const others = Array.from({ length: 4 }, (_, index) => openSync(join(scratch.folder, `other${index}`), "wx"));
	for await (const _ of packing.tree());
	expect(packing.progress.bytes).toBeGreaterThan(8 * 400_000);
	expect(statSync(file).size).toBe(packing.progress.bytes);
	expect(others.map((other) => fstatSync(other).size)).toEqual([0, 0, 0, 0]);
	for (const other of others) closeSync(other);
});

test("one that waits for a server that says nothing is given up, and closes its file when it goes on", async () => {
	const file = join(scratch.folder, "archive.tar");
	const fd = openSync(file, "wx");
	const into = { fd, path: file, temporary: file };
	using server = new SilentServer(join(scratch.folder, "silent"));
	{
		await using packing = await scratch.archiver.pack({ path: server.path, patterns, twice: false, into }, never);
		closeSync(fd);
		expect([opened(file), packing.progress.bytes]).toEqual([1, 0]);
	}
	expect(opened(file)).toBe(1);
	server.end();
	await vi.waitFor(() => expect(opened(file)).toBe(0), 10_000);
});

/** Mounted where a directory is made. Whoever asks it for anything waits until it ends. */
class SilentServer implements Disposable {
	readonly path: string;
	readonly #fd = openSync("/dev/fuse", "r+");
	#isEnded = false;

	constructor(path: string) {
		this.path = path;
		mkdirSync(path);
		mountFs("fuse", "silent", path, [`fd=${this.#fd}`, "rootmode=40000", "user_id=0", "group_id=0"]);
	}

	end(): void {
		if (!this.#isEnded) closeSync(this.#fd);
		this.#isEnded = true;
	}

	[Symbol.dispose](): void {
		this.end();
		unmount(this.path, { detach: true });
	}
}

/** So many of this process's descriptors are the file. */
const opened = (file: string): number => descriptorTargets().filter((target) => target === file).length;

test("one that its file has no room for says which", async () => {
	const fd = openSync("/dev/full", "w");
	const into = { fd, path: "/backup/data.tar", temporary: "/backup/part" };
	await using packing = await scratch.archiver.pack({ path: fill(1), patterns, twice: false, into }, never);
	closeSync(fd);
	await expect(packing.tree().next()).rejects.toMatchObject({
		reason: "DISK_FULL",
		message: expect.stringContaining("/backup/data.tar") as string,
	});
});
