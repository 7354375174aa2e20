/** Restores that are merged with what is there. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CreateVolumeRequest } from "#gen/wharf/volume/v1/volume.ts";
import { Fault } from "#lib/fault/fault.ts";
import { backup, Daemon, restore } from "./test-support/daemon.ts";
import { makeNastyTree, portrait } from "./test-support/nasty-tree.ts";

let daemon: Daemon;
let content: string;
let count = 0;
let volume = "";
const sh = (script: string, cwd = content): string => execFileSync("sh", ["-euc", script], { cwd, encoding: "utf8" });

beforeAll(async () => {
	daemon = new Daemon();
	await daemon.start();
});
afterAll(() => daemon[Symbol.asyncDispose]());
beforeEach(async () => {
	volume = `target${++count}`;
	await daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: volume }));
	content = daemon.content(volume);
});

/** What tar makes of the tree that the script makes. */
function archiveOf(script: string, names = "."): Buffer {
	const folder = join(daemon.root, `tree${count}`);
	mkdirSync(folder);
	sh(script, folder);
	return execFileSync("tar", ["--xattrs", "--numeric-owner", "-c", ...names.split(" ")], { cwd: folder });
}

const merge = (archive: Buffer): Promise<unknown> => restore(daemon, { volume, merge: true }, archive);
const told = (format: string, ...names: string[]): string[] =>
	execFileSync("stat", ["-c", format, ...names], { cwd: content, encoding: "utf8" })
		.trim()
		.split("\n");

test("what the archive has replaces what is there, and everything else stays", async () => {
	sh(
		"mkdir -p both/deep only empty; echo old >both/file; echo old >both/deep/kept; echo old >only/kept; ln -s only link",
	);
	const script = `mkdir -p both/deep fresh/deep link; echo new >both/file; echo new >both/deep/new; echo new >fresh/deep/file
		echo new >empty; echo new >link/inside; echo new >hard; ln hard both/hard`;
	await merge(archiveOf(script));
	expect(sh("find . -type f | sort | xargs grep -H .").trim().split("\n")).toEqual([
		"./both/deep/kept:old",
		"./both/deep/new:new",
		"./both/file:new",
		"./both/hard:new",
		"./empty:new",
		"./fresh/deep/file:new",
		"./hard:new",
		"./link/inside:new",
		"./only/kept:old",
	]);
	expect(new Set(told("%i", "hard", "both/hard")).size).toBe(1);
	expect(readdirSync(join(content, ".."))).toEqual(["_data"]);
});

test("directories that both have get owner, mode, attributes and time of the archive; those it does not tell of stay", async () => {
	const old = "mkdir -p said/inner implied; chown 1:2 . said implied; chmod 700 . said implied; touch -d @1000 implied";
	sh(`${old}; setfattr -n user.old -v 1 said; setfacl -m u:9:r said; echo old >said/kept`);
	const script = `mkdir -p said/inner implied; echo new >said/new; echo new >implied/new; chown 7:8 said; chmod 2751 said
		setfattr -n user.new -v 2 said; touch -d @2000.123456789 said/inner said`;
	await merge(archiveOf(script, "said implied/new"));
	expect(told("%u:%g %a", ".", "said", "implied")).toEqual(["1:2 700", "7:8 2751", "1:2 700"]);
	expect(told("%y", "said", "said/inner").map((time) => time.slice(11, 29))).toEqual([
		"00:33:20.123456789".slice(0, 18),
		"00:33:20.123456789".slice(0, 18),
	]);
	const attributes = execFileSync("getfattr", ["-d", "-m", "-", "said"], { cwd: content, encoding: "utf8" });
	expect(attributes.trim().split("\n").slice(1)).toEqual(['user.new="2"']);
	expect(sh("ls implied said")).toBe("implied:\nnew\n\nsaid:\ninner\nkept\nnew\n");
});

test("into an empty volume, and into one that is made, it is a restore", async () => {
	const nasty = daemon.content("nasty");
	await daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: "nasty" }));
	makeNastyTree(nasty);
	const { bytes } = await backup(daemon, { volume: "nasty" });
	await merge(bytes);
	await restore(daemon, { volume: "merged", create: true, merge: true }, bytes);
	// Again over itself: nothing is different.
	await merge(bytes);
	expect([portrait(content), portrait(daemon.content("merged"))]).toEqual([portrait(nasty), portrait(nasty)]);
});

test("a directory with content that is in the way is named before anything is moved; so are two modes at once", async () => {
	sh("mkdir -p a/b; echo old >a/b/kept; echo old >first");
	const before = portrait(content);
	const archive = archiveOf("mkdir a; echo new >a/b; echo new >first");
	await expect(merge(archive)).rejects.toMatchObject({
		reason: "DIRECTORY_IN_THE_WAY",
		message: expect.stringContaining('"a/b"') as string,
	});
	const both = restore(daemon, { volume, merge: true, replace: true }, archive);
	await expect(both).rejects.toMatchObject({ reason: "INVALID_OPTION" });
	expect(portrait(content)).toBe(before);
});

describe("killed", () => {
	test.each([
		["volumed.stage.prepared", false],
		["store.volumed.restore.sealed", true],
		["volumed.stage.entered", true],
		["volumed.stage.entered#3", true],
		["volumed.stage.dressed", true],
		["volumed.stage.dressed#2", true],
		["store.volumed.restore.entered", true],
	])("at %s, it is all done: %s", async (point, isDone) => {
		sh("mkdir -p both/deep; echo old >both/file; echo old >both/kept; chmod 700 both; touch -d @1000 both .");
		const archive = archiveOf(
			"mkdir -p both/deep; echo new >both/file; echo new >both/deep/new; echo new >top; touch -d @2000 both .",
		);
		const path = join(daemon.root, "archive.tar");
		writeFileSync(path, archive);
		const before = portrait(content);
		const request = { requestId: point, volume, path, merge: true };
		await daemon.kill("SIGTERM");
		await daemon.start(point);
		await expect(restore(daemon, request)).rejects.toBeInstanceOf(Fault);
		expect(await daemon.ended()).toMatchObject({ signal: "SIGKILL" });
		await daemon.start();
		await expect.poll(() => sh("find . -name '.wharf*'"), { timeout: 10_000 }).toBe("");
		expect(portrait(content) !== before).toBe(isDone);
		await restore(daemon, request);
		expect(sh("find . -type f | sort | xargs grep -H .").trim().split("\n")).toEqual([
			"./both/deep/new:new",
			"./both/file:new",
			"./both/kept:old",
			"./top:new",
		]);
		expect(told("%a %Y", ".", "both")).toEqual(["755 2000", "755 2000"]);
	});
});
