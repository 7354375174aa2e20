/** What was found by reading the unpacker: each of these went wrong once. */
import { execFileSync } from "node:child_process";
import { linkSync, lstatSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { tarOf } from "../test-support/archive.ts";
import { unpackTree } from "../test-support/tree-archives.ts";
import { scratchTrees } from "../test-support/scratch-trees.ts";

const scratch = scratchTrees("unpacker");
const at = (name: string): string => join(scratch.folder, name);

const mode = (path: string): string => (lstatSync(path).mode & 0o7777).toString(8);

describe("a directory of the archive whose place something else takes", () => {
	const inItsPlace = (other: Parameters<typeof tarOf>[0][number], ...before: Parameters<typeof tarOf>[0]) =>
		tarOf([...before, { name: "x/", type: "5", mode: 0o6777 }, { ...other, name: "x" }]);

	test("gives its mode to nothing that a symlink there points at", async () => {
		writeFileSync(at("victim"), "", { mode: 0o600 });
		await unpackTree(scratch.archiver, inItsPlace({ name: "x", type: "2", link: at("victim") }), at("to"), {
			privileged: false,
		});
		expect([mode(at("victim")), lstatSync(at("to/x")).isSymbolicLink()]).toEqual(["600", true]);
	});

	test("nor to what a second name of a symlink points at", async () => {
		writeFileSync(at("victim"), "", { mode: 0o600 });
		const archive = inItsPlace({ name: "x", type: "1", link: "l" }, { name: "l", type: "2", link: at("victim") });
		await unpackTree(scratch.archiver, archive, at("to"), { privileged: false });
		expect(mode(at("victim"))).toBe("600");
	});

	test("gives a file there no set-id bits", async () => {
		await unpackTree(scratch.archiver, inItsPlace({ name: "x", content: "#!", mode: 0o755 }), at("to"), {
			privileged: false,
		});
		expect(mode(at("to/x"))).toBe("755");
	});
});

test("directories that the archive does not name can be entered by everybody", async () => {
	await unpackTree(scratch.archiver, tarOf([{ name: "a/b/c", content: "x" }]), at("to"));
	expect([mode(at("to/a")), mode(at("to/a/b"))]).toEqual(["755", "755"]);
});

test("a file that is said to be a second name of itself stays", async () => {
	writeFileSync(at("from/file"), "content");
	linkSync(at("from/file"), at("from/other"));
	const archive = execFileSync("tar", ["-c", "-C", at("from"), "file", "file", "other"]);
	await unpackTree(scratch.archiver, archive, at("to"));
	expect([readFileSync(at("to/file"), "utf8"), statSync(at("to/other")).ino]).toEqual([
		"content",
		statSync(at("to/file")).ino,
	]);
	await expect(
		unpackTree(scratch.archiver, tarOf([{ name: "none", type: "1", link: "none" }]), at("to")),
	).rejects.toMatchObject({ reason: "ENTRY_REFUSED" });
});

test("a symlink's target with a zero byte is refused", async () => {
	const archive = tarOf([{ name: "a", type: "2", link: "x", pax: { linkpath: "b\0c" } }]);
	await expect(unpackTree(scratch.archiver, archive, at("to"))).rejects.toMatchObject({ reason: "ENTRY_REFUSED" });
});
