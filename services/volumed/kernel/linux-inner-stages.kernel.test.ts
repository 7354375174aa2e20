/** What somebody who writes to a content, be it as root, puts there between the steps: nothing outside of it is read, written or removed. */
import { execFileSync } from "node:child_process";
import {
	appendFileSync,
	lstatSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { createLog } from "#lib/log/log.ts";
import { stageName } from "../stage-name.ts";
import { tarOf } from "../test-support/archive.ts";
import { portrait } from "../test-support/nasty-tree.ts";
import { scratchTrees } from "../test-support/scratch-trees.ts";
import type { Destination } from "../tree/destination.ts";
import { TreeWorkers } from "../tree/tree-workers.ts";
import type { Entering } from "./inner-stages.ts";
import { LinuxInnerStages } from "./linux-inner-stages.ts";

const scratch = scratchTrees("inner-stages");
const workers = new TreeWorkers();
const stages = new LinuxInnerStages(workers, createLog({ service: "test", level: "silent" }));
afterAll(() => workers[Symbol.asyncDispose]());

const never = new AbortController().signal;
const changed = { reason: "STAGE_CHANGED" };
const at = (name: string): string => join(scratch.folder, name);

let content: string;
let id: string;
/** Root's own, laid out as a stage whose id is known. */
let outside: string;
let before: string;
beforeEach(() => {
	content = at("to");
	id = randomBytes(16).toString("hex");
	outside = at("outside");
	put(join(outside, id), { "new/kept": "root's", "old/kept": "root's", "gone/kept": "root's", plan: "{}", room: "" });
	put(outside, { "new/kept": "root's" });
	before = portrait(outside);
	put(content, { "old/deep": "old", both: "old" });
});

function put(path: string, files: Readonly<Record<string, string>>): void {
	for (const [name, text] of Object.entries(files)) {
		mkdirSync(join(path, name, ".."), { recursive: true });
		writeFileSync(join(path, name), text);
	}
}

function contentOf(path: string): Record<string, string> {
	const names = execFileSync("find", [path, "-type", "f", "-printf", "%P\n"], { encoding: "utf8" });
	const files = names.split("\n").filter((name) => name !== "");
	return Object.fromEntries(files.map((name) => [name, readFileSync(join(path, name), "utf8")]));
}

async function unpack(destination: Destination): Promise<void> {
	await using unpacking = await scratch.archiver.unpack(destination, 0, never);
	await unpacking.push(tarOf(["kept", "new/deep", "both"].map((name) => ({ name, content: "new" }))));
	await unpacking.end();
	await unpacking.finish(true);
}

async function copy(destination: Destination): Promise<void> {
	put(at("from"), { kept: "new" });
	await using copying = await scratch.archiver.copy({ path: at("from"), twice: false, told: () => undefined }, never);
	await copying.into(destination);
	await copying.finish();
}

async function prepared(entering: Entering = "replace"): Promise<string> {
	await unpack(await stages.begin(content, id));
	return await stages.prepare(content, id, { entering, implied: [] });
}

const inStage = (name: string): string => join(content, stageName(id), id, name);

/** Moves it away, and puts something else there. */
function replace(path: string, make: (path: string) => void): void {
	renameSync(path, join(content, "moved"));
	make(path);
}

describe.each<readonly [string, () => void]>([
	["its directory by a link", () => replace(join(content, stageName(id)), (path) => symlinkSync(outside, path))],
	["its directory by another one", () => replace(join(content, stageName(id)), (path) => put(path, { "new/x": "x" }))],
	[
		"what is in that by a link",
		() => replace(inStage(""), (path) => symlinkSync(join(outside, id), path.slice(0, -1))),
	],
	["what was staged by a link", () => replace(inStage("new"), (path) => symlinkSync(join(outside, "new"), path))],
	["it by nothing", () => replace(join(content, stageName(id)), () => undefined)],
])("somebody replaces %s", (_, swap) => {
	test.each([
		["an archive", unpack],
		["a copy", copy],
	])("before %s is written", async (_, write) => {
		const destination = await stages.begin(content, id);
		swap();
		await expect(write(destination)).rejects.toMatchObject(changed);
		await expect(stages.prepare(content, id, { entering: "replace", implied: [] })).rejects.toMatchObject(changed);
		await stages.discard(content, id);
		expect(portrait(outside)).toBe(before);
		expect(contentOf(content)).toMatchObject({ "old/deep": "old", both: "old" });
	});

	test.each(["replace", "merge"] as const)("before it enters, to %s", async (entering) => {
		const seal = await prepared(entering);
		swap();
		await expect(stages.enter(content, id, seal)).rejects.toMatchObject(changed);
		await stages.discard(content, id);
		expect(portrait(outside)).toBe(before);
		expect(contentOf(content)).toMatchObject({ "old/deep": "old", both: "old" });
	});
});

test("links to what is outside are removed with the stage, and not what they lead to", async () => {
	await prepared();
	for (const name of ["old", "plan", "room"]) rmSync(inStage(name), { recursive: true });
	for (const name of ["old", "plan", "room", "new/link"]) symlinkSync(join(outside, id, name), inStage(name));
	await stages.discard(content, id);
	expect(portrait(outside)).toBe(before);
	expect(readdirSync(content).sort()).toEqual(["both", "old"]);
});

test.each(["plan", "room"])("a link in the place of its %s is not written through", async (name) => {
	await unpack(await stages.begin(content, id));
	symlinkSync(join(outside, id, name), inStage(name));
	await expect(stages.prepare(content, id, { entering: "replace", implied: [] })).rejects.toMatchObject({
		reason: "KERNEL_REFUSED",
	});
	expect(portrait(outside)).toBe(before);
	await stages.discard(content, id);
	expect(readdirSync(content).sort()).toEqual(["both", "old"]);
});

describe("a plan is not gone by", () => {
	const hostile = JSON.stringify({
		entering: "merge",
		joined: ["../../outside", "/etc", ""].map((place) => ({ place })),
	});

	test.each<readonly [string, (plan: string) => void]>([
		["that leads out", (plan) => writeFileSync(plan, hostile)],
		["that was cut off", (plan) => writeFileSync(plan, readFileSync(plan).subarray(1))],
		["that has grown", (plan) => appendFileSync(plan, " ")],
		["of the same length", (plan) => writeFileSync(plan, readFileSync(plan, "utf8").replace("replace", "REPLACE"))],
		["that has gone", (plan) => rmSync(plan)],
		["that is a link", (plan) => replace(plan, () => symlinkSync(join(content, "moved"), plan))],
		["that is a directory", (plan) => replace(plan, () => mkdirSync(plan))],
		["that nobody writes to", (plan) => replace(plan, () => execFileSync("mkfifo", [plan]))],
	])("%s", async (_, spoil) => {
		const seal = await prepared();
		spoil(inStage("plan"));
		await expect(stages.enter(content, id, seal)).rejects.toMatchObject(changed);
		expect(contentOf(content)).toMatchObject({ "old/deep": "old", both: "old" });
		await stages.discard(content, id);
		expect(readdirSync(content).filter((name) => name.startsWith(".wharf"))).toEqual([]);
	});
});

test("a directory that is merged with is not followed when it is a link meanwhile", async () => {
	put(content, { "new/mine": "mine" });
	const seal = await prepared("merge");
	replace(join(content, "new"), (path) => symlinkSync(outside, path));
	const problem = 'the directory "new" is not where it was made';
	await expect(stages.enter(content, id, seal)).rejects.toMatchObject({ ...changed, metadata: { problem } });
	expect(portrait(outside)).toBe(before);
});

test("what was cut off while its directory was made goes", async () => {
	mkdirSync(join(content, stageName(id)), { mode: 0o700 });
	const { mtimeMs } = lstatSync(content);
	await stages.discard(content, id);
	expect([readdirSync(content).sort(), lstatSync(content).mtimeMs]).toEqual([["both", "old"], mtimeMs]);
});
