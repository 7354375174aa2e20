/** Files with several names that change while a tree is gone through: whatever is linked to what afterwards, all names have what is there. */
import { chmodSync, closeSync, linkSync, mkdirSync, openSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { portrait } from "../test-support/nasty-tree.ts";
import { scratchTrees } from "../test-support/scratch-trees.ts";
import { unpackTree } from "../test-support/tree-archives.ts";
import { changedSince } from "./changed.ts";
import { TreeCursor } from "./cursor.ts";
import { Seen } from "./seen.ts";
import { Spool } from "./spool.ts";

const scratch = scratchTrees("changed");
const at = (name: string): string => join(scratch.folder, name);
const from = (name: string): string => at(`from/${name}`);
const never = new AbortController().signal;

/** Until what was changed before is not fresh any more. */
function settle(): void {
	Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
}

interface Change {
	/** When the first pass comes to a path. */
	readonly during?: Readonly<Record<string, () => void>>;
	/** After it. */
	readonly after?: () => void;
}

/** What the second pass goes to, and what it tells to be gone. */
function secondPass({ during = {}, after }: Change): { readonly again: string[]; readonly gone: string[] } {
	using opened = new DisposableStack();
	const root = opened.adopt(openSync(at("from"), "r"), closeSync);
	const seen = new Seen(opened.use(new Spool(tmpdir(), "latin1")));
	const wanted = (path: string): boolean => {
		during[path]?.();
		return true;
	};
	const first = opened.use(new TreeCursor(root, { wanted }));
	while (first.next()) seen.add(first.path, first.status);
	after?.();
	settle();
	const again: string[] = [];
	const gone: string[] = [];
	const walk = (): TreeCursor => new TreeCursor(root, { onlyLooks: true });
	for (const cursor of changedSince(walk, seen, { stored: new Set(), gone: (path) => void gone.push(path) }))
		again.push(cursor.path);
	return { again, gone };
}

function file(...names: readonly string[]): void {
	const [first = "", ...others] = names;
	writeFileSync(from(first), "before");
	for (const name of others) linkSync(from(first), from(name));
}

describe("a second pass goes to all names of a file", () => {
	const change = (): void => {
		writeFileSync(from("a"), "after");
		settle();
	};

	test("that changed between two of them", () => {
		file("a", "z");
		file("m");
		settle();
		expect(secondPass({ during: { m: change } })).toEqual({ again: ["a", "z"], gone: [] });
	});

	test("that was just made when the first of them was read", () => {
		file("m");
		settle();
		file("a", "z");
		// It is known to be fresh but for a machine that is slow.
		const { again } = secondPass({ during: { m: settle } });
		expect(again.includes("z")).toBe(again.includes("a"));
	});

	test("one of which came or went with its directory", () => {
		mkdirSync(from("b"));
		mkdirSync(at("outside"));
		file("b/tool", "a", "z");
		settle();
		const gone = secondPass({ after: () => renameSync(from("b"), at("outside/b")) });
		expect(gone).toEqual({ again: ["", "a", "z"], gone: ["b", "b/tool"] });
		const back = secondPass({ after: () => renameSync(at("outside/b"), from("b")) });
		expect(back).toEqual({ again: ["", "b", "b/tool", "a", "z"], gone: [] });
	});

	test("one of which became another file between two of them", () => {
		file("a", "y", "z");
		file("m");
		settle();
		const exchange = (): void => {
			unlinkSync(from("a"));
			file("a");
			settle();
		};
		expect(secondPass({ during: { m: exchange } })).toEqual({ again: ["", "a", "y", "z"], gone: [] });
	});

	test("that got one more, and of no other file", () => {
		file("a");
		file("b", "x");
		file("m");
		settle();
		const link = (): void => {
			linkSync(from("a"), from("z"));
			settle();
		};
		expect(secondPass({ after: link })).toEqual({ again: ["", "a", "z"], gone: [] });
		expect(secondPass({})).toEqual({ again: [], gone: [] });
	});
});

test("of a time without nanoseconds is not known what came after it in that second", () => {
	file("a");
	settle();
	const now = Math.floor(Date.now() / 1000);
	using opened = new DisposableStack();
	const root = opened.adopt(openSync(at("from"), "r"), closeSync);
	const cursor = opened.use(new TreeCursor(root));
	const stampWith = (ctimeSeconds: number, ctimeNanoseconds: number): string => {
		const seen = new Seen(opened.use(new Spool(tmpdir(), "latin1")));
		const { identity, size, links, type } = cursor.status;
		seen.add("a", { identity, size, links, type, ctimeSeconds, ctimeNanoseconds });
		return [...seen.all()].map(({ stamp }) => stamp).join("");
	};
	expect(stampWith(now - 1, 0)).toBe("");
	expect(stampWith(now - 60, 0)).not.toBe("");
	expect(stampWith(now - 1, 1)).not.toBe("");
});

/** As `secondPass`, but for what is made of it. `between` comes when the first pass has read `a`, and not yet `z`. */
async function archived(between: () => void): Promise<void> {
	for (let number = 10; number < 26; number++) writeFileSync(from(`m${number}`), Buffer.alloc(1024 * 1024, "m"));
	settle();
	const spec = { path: at("from"), patterns: { include: [], exclude: [] }, twice: true };
	await using packing = await scratch.archiver.pack(spec, never);
	const parts: Buffer[] = [];
	for await (const bytes of packing.tree()) {
		// So few buffers go round that the last files are not read before most were taken.
		if (parts.length === 0) between();
		parts.push(Buffer.from(bytes));
	}
	await packing.catchUp([]);
	for await (const bytes of packing.tree()) parts.push(Buffer.from(bytes));
	for await (const bytes of packing.manifest("test", new Date(0))) parts.push(Buffer.from(bytes));
	const { warnings } = await unpackTree(scratch.archiver, Buffer.concat(parts), at("to"));
	expect(warnings).toEqual([]);
}

test("a restored file is one file with what it had in the end, under all of its names", async () => {
	file("a", "z");
	await archived(() => {
		writeFileSync(from("a"), "after");
		settle();
	});
	expect(portrait(at("to"))).toBe(portrait(at("from")));
});

describe("a set-id program keeps its bits under all names when the directory of one is renamed", () => {
	const program = (): void => {
		mkdirSync(from("b"));
		file("b/tool", "z");
		chmodSync(from("z"), 0o4755);
	};
	const rename = (): void => renameSync(from("b"), from("c"));
	test("in an archive", async () => {
		program();
		await archived(rename);
		expect(portrait(at("to"))).toBe(portrait(at("from")));
	});

	test("in a copy", async () => {
		program();
		settle();
		await using copying = await scratch.archiver.copy({ path: at("from"), twice: true, told: () => undefined }, never);
		await copying.into({ root: at("to"), within: "" });
		rename();
		await copying.catchUp([]);
		expect(await copying.finish()).toMatchObject({ warnings: [] });
		expect(portrait(at("to"))).toBe(portrait(at("from")));
	});
});
