/** The buffers of a job go with it: the next one has its own. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { bytesOf, openArchive } from "../kernel/archive-file.ts";
import { scratchTrees } from "../test-support/scratch-trees.ts";
import { packTree } from "../test-support/tree-archives.ts";
import { PackJob } from "./pack-job.ts";
import { sheetBytes } from "./sheet.ts";

const MIB = 1024 * 1024;
const scratch = scratchTrees("given-back");
const at = (name: string): string => join(scratch.folder, name);

test("those that were not filled, of a tree that is packed", () => {
	const given = [sheetBytes(), sheetBytes()].map(({ buffer }) => buffer as ArrayBuffer); // made so
	const patterns = { include: [], exclude: [] };
	const order = {
		kind: "pack",
		path: at("from"),
		patterns,
		twice: false,
		without: undefined,
		into: undefined,
		spool: scratch.folder,
	} as const;
	const job = new PackJob(order, () => undefined);
	for (const buffer of given) job.buffer({ kind: "buffer", buffer, length: 0 });
	job[Symbol.dispose]();
	// The first one was told of, and is somebody else's.
	expect(given.map(({ byteLength }) => byteLength)).toEqual([MIB, 0]);
});

test("those of an archive that is unpacked", async () => {
	writeFileSync(at("from/file"), "content");
	const { bytes } = await packTree(scratch.archiver, at("from"));
	const unpacking = await scratch.archiver.unpack({ root: at("to"), within: "" }, 0, new AbortController().signal);
	await unpacking.push(bytes);
	await unpacking.end();
	const before = process.memoryUsage().arrayBuffers;
	await unpacking[Symbol.asyncDispose]();
	expect(before - process.memoryUsage().arrayBuffers).toBeGreaterThan(3 * MIB);
});

test("those that a file was read into, at its end", async () => {
	writeFileSync(at("archive"), Buffer.alloc(3 * MIB));
	await using archive = await openArchive(at("archive"));
	const read: Buffer[] = [];
	for await (const bytes of bytesOf(archive)) {
		expect(bytes.length).toBe(MIB);
		read.push(bytes);
	}
	expect(read.map(({ length }) => length)).toEqual([0, 0, 0]);
});
