/**
 * What is in use changes its kind while an archive of it is made: a link becomes a file, a directory becomes a link. It comes back as it was
 * in the end, whatever it was before.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { portrait } from "../test-support/nasty-tree.ts";
import { scratchTrees } from "../test-support/scratch-trees.ts";
import { tarOf } from "../test-support/archive.ts";
import { packTree, unpackTree } from "../test-support/tree-archives.ts";

const scratch = scratchTrees("kinds");
const at = (name: string): string => join(scratch.folder, name);

const KINDS: Readonly<Record<string, (path: string) => void>> = {
	file: (path) => writeFileSync(path, "content"),
	program: (path) => {
		writeFileSync(path, "#!/bin/sh");
		chmodSync(path, 0o6755);
	},
	directory: (path) => {
		mkdirSync(join(path, "in/deep"), { recursive: true });
		for (const name of ["a", "in/b", "in/deep/c"]) writeFileSync(join(path, name), name);
		chmodSync(join(path, "in/b"), 0o4711);
	},
	empty: (path) => mkdirSync(path),
	link: (path) => symlinkSync("/etc", path),
	fifo: (path) => void execFileSync("mkfifo", [path]),
	nothing: () => undefined,
};

/** Each kind becomes each other one between the first pass and the second. */
async function packChanging(): Promise<Buffer> {
	const kinds = Object.entries(KINDS);
	const all = kinds.flatMap(([was, make]) => kinds.map(([is, become]) => ({ name: `${was}-${is}`, make, become })));
	for (const { name, make } of all) make(at(`from/${name}`));
	const { bytes } = await packTree(scratch.archiver, at("from"), () => {
		for (const { name, become } of all) {
			rmSync(at(`from/${name}`), { recursive: true, force: true });
			become(at(`from/${name}`));
		}
	});
	return bytes;
}

test("it comes back as it was in the end", async () => {
	const bytes = await packChanging();
	const { warnings } = await unpackTree(scratch.archiver, bytes, at("to"));
	expect(warnings).toEqual([]);
	expect(portrait(at("to"))).toBe(portrait(at("from")));
});

test("and agrees with what is there", async () => {
	const bytes = await packChanging();
	await using reading = await scratch.archiver.read(0, true, new AbortController().signal);
	await reading.push(bytes);
	await reading.end();
	expect(await reading.compare(at("from"))).toMatchObject({ differences: [], count: 0 });
});

test("what comes in the place of a link to the outside is there instead of it, and outside is nothing changed", async () => {
	mkdirSync(at("outside"));
	writeFileSync(at("outside/file"), "outside");
	const link = (name: string, target: string) => ({ name, type: "2", link: at(target) });
	const archive = tarOf([
		link("d", "outside"),
		{ name: "d/", type: "5" },
		{ name: "d/file", content: "inside" },
		link("f", "outside/file"),
		{ name: "f", content: "inside" },
		link("h", "outside/file"),
		{ name: "h", type: "1", link: "f" },
	]);
	await unpackTree(scratch.archiver, archive, at("to"));
	const text = execFileSync("sh", ["-c", 'cd "$0" && cat to/d/file to/f to/h outside/file', scratch.folder]);
	expect(text.toString()).toBe("insideinsideinsideoutside");
	expect(statSync(at("to/h")).nlink).toBe(2);
	expect(existsSync(at("outside/d"))).toBe(false);
});
