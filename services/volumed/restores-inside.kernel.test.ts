/** Restores into content that nothing can be exchanged with: file systems of a volume's own, and what options name. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
	CloneVolumeRequest,
	CreateVolumeRequest,
	PublishVolumeRequest,
	UnpublishVolumeRequest,
} from "#gen/wharf/volume/v1/volume.ts";
import { Fault } from "#lib/fault/fault.ts";
import { tarOf } from "./test-support/archive.ts";
import { backup, restore } from "./test-support/daemon.ts";
import { amiss } from "./test-support/inspection.ts";
import { type DiskKind, KillScene, ownMountsAndRun } from "./test-support/kill-scene.ts";
import { makeNastyTree, portrait } from "./test-support/nasty-tree.ts";
import { SshServer } from "./test-support/ssh-server.ts";

let scene: KillScene;

beforeAll(ownMountsAndRun);
beforeEach(async () => {
	scene = await KillScene.open();
	await scene.daemon.start();
});
afterEach(() => scene[Symbol.asyncDispose]());

const create = (name: string, options: Record<string, string>, driver = "") =>
	scene.daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name, options, driver }));

/** Does something in the volume's content, while it is mounted. */
async function within<T>(name: string, act: (path: string) => T): Promise<T> {
	const path = join(scene.at("pub"), "seen");
	await scene.daemon.publications.publishVolume(
		PublishVolumeRequest.fromPartial({ holder: "test", volume: name, path }),
	);
	try {
		return act(path);
	} finally {
		await scene.daemon.publications.unpublishVolume(UnpublishVolumeRequest.fromPartial({ path }));
	}
}

const bind = () => ({ type: "none", o: "bind", device: scene.at("source") });
const OLD = { "old/deep": "old", both: "old" };
const NEW = { "new/deep": "new", both: "new" };
const archiveOf = (files: Readonly<Record<string, string>>): Buffer =>
	tarOf(Object.entries(files).map(([name, content]) => ({ name, content })));

function put(path: string, files: Readonly<Record<string, string>>): void {
	for (const [name, content] of Object.entries(files)) {
		mkdirSync(join(path, name, ".."), { recursive: true });
		writeFileSync(join(path, name), content);
	}
}

/** Every file and its content; of directories that they are there. */
function contentOf(path: string): Record<string, string> {
	const names = execFileSync("find", [path, "-type", "f", "-printf", "%P\n"], { encoding: "utf8" });
	const files = names.split("\n").filter((name) => name !== "");
	return Object.fromEntries(files.map((name) => [name, readFileSync(join(path, name), "utf8")]));
}

describe.each<readonly [string, DiskKind | undefined, () => Record<string, string>]>([
	["a file system in a file", undefined, () => ({ size: "64m" })],
	["a directory of the host", undefined, bind],
	["a subvolume with a quota", "btrfs", () => ({ size: "64m" })],
])("into %s", (_, disk, options) => {
	beforeEach(async () => {
		if (disk === undefined) return;
		await scene[Symbol.asyncDispose]();
		scene = await KillScene.open(disk);
		await scene.daemon.start();
	});

	test("everything comes that a tree has, and what was there goes", async () => {
		const { daemon } = scene;
		await create("nasty", {});
		makeNastyTree(daemon.content("nasty"));
		const path = scene.at("nasty.tar");
		await backup(daemon, { volume: "nasty", path });
		await create("target", options());
		await within("target", (at) => put(at, OLD));
		expect(await restore(daemon, { volume: "target", path, replace: true })).toMatchObject({
			verified: true,
			warnings: [],
		});
		expect(await within("target", portrait)).toBe(portrait(daemon.content("nasty")));
		expect(await within("target", (at) => readdirSync(at).filter((name) => name.startsWith(".wharf")))).toEqual([]);
		expect(await amiss(scene)).toEqual([]);
	});

	test("only what is empty is filled without being told so, and a failure changes nothing", async () => {
		const { daemon } = scene;
		await create("target", options());
		await within("target", (at) => execFileSync("sh", ["-c", "rm -rf -- *"], { cwd: at }));
		await restore(daemon, { volume: "target" }, archiveOf(OLD));
		const before = await within("target", portrait);
		const archive = archiveOf(NEW);
		await expect(restore(daemon, { volume: "target" }, archive)).rejects.toMatchObject({ reason: "VOLUME_NOT_EMPTY" });
		const cut = restore(daemon, { volume: "target", replace: true }, archive.subarray(0, 1024));
		await expect(cut).rejects.toMatchObject({ reason: "ARCHIVE_CORRUPT" });
		expect(await within("target", portrait)).toBe(before);
		expect(await amiss(scene)).toEqual([]);
	});
});

test("what does not fit beside the old content is refused, and that stays; what fits is there", async () => {
	const { daemon } = scene;
	await create("small", { size: "16m" });
	const of = (mib: number) => ({ big: "x".repeat(mib * 1024 * 1024) });
	await restore(daemon, { volume: "small" }, archiveOf(of(6)));
	const before = await within("small", portrait);
	const large = restore(daemon, { volume: "small", replace: true }, archiveOf(of(9)));
	await expect(large).rejects.toMatchObject({ reason: "DISK_FULL" });
	expect(await within("small", portrait)).toBe(before);
	await restore(daemon, { volume: "small", replace: true }, archiveOf(of(4)));
	expect(await within("small", (at) => statSync(join(at, "big")).size)).toBe(4 * 1024 * 1024);
});

test("into a plugin's volume, and never into memory that is empty when nobody uses it", async () => {
	const { daemon } = scene;
	await create("memory", { type: "tmpfs", device: "tmpfs" });
	await expect(restore(daemon, { volume: "memory" }, archiveOf(NEW))).rejects.toMatchObject({
		reason: "CANNOT_RESTORE",
	});
	await create("plugged", {}, scene.plugin);
	expect(await restore(daemon, { volume: "plugged" }, archiveOf(NEW))).toMatchObject({ entries: 2n });
	expect(await amiss(scene)).toEqual([]);
});

test("into a directory of a server", async () => {
	const { daemon } = scene;
	mkdirSync(scene.at("server"));
	await using ssh = await SshServer.create(scene.at("server"));
	const options = {
		device: `root@127.0.0.1:${ssh.content}`,
		port: String(ssh.port),
		identity_file: ssh.identity,
		host_key: ssh.hostKey(),
	};
	await create("far", options, "sshfs");
	put(ssh.content, OLD);
	await restore(daemon, { volume: "far", replace: true }, archiveOf(NEW));
	expect(contentOf(ssh.content)).toEqual(NEW);
	await restore(daemon, { volume: "far", merge: true }, archiveOf({ "new/more": "more" }));
	expect(contentOf(ssh.content)).toEqual({ ...NEW, "new/more": "more" });
	expect(readdirSync(ssh.content).sort()).toEqual(["both", "new"]);
	await daemon.volumes.deleteVolume({ requestId: "", name: "far" });
});

test("where something is mounted below, nothing is moved", async () => {
	const { daemon } = scene;
	mkdirSync(scene.at("source/below"));
	execFileSync("mount", ["-t", "tmpfs", "none", scene.at("source/below")]);
	await create("bound", { type: "none", o: "rbind", device: scene.at("source") });
	try {
		const refused = restore(daemon, { volume: "bound", replace: true }, archiveOf(NEW));
		await expect(refused).rejects.toMatchObject({ reason: "CANNOT_RESTORE" });
		expect(readdirSync(scene.at("source")).sort()).toEqual(["below", "file"]);
	} finally {
		execFileSync("umount", [scene.at("source/below")]);
	}
});

test("while its owner puts links in the place of what is restored nothing outside is touched, and then he gets it", async () => {
	const { daemon } = scene;
	const outside = scene.at("outside");
	put(outside, { kept: "root's", "new/kept": "root's" });
	chmodSync(outside, 0o700);
	const before = portrait(outside);
	mkdirSync(scene.at("source/evil"));
	symlinkSync(outside, scene.at("source/evil/new"));
	execFileSync("chown", ["-R", "-h", "12345:12345", scene.at("source")]);
	const script = `import os, sys, time
os.chdir(sys.argv[1])
os.setgroups([]); os.setgid(12345); os.setuid(12345)
swaps = 0
print("ready", flush=True)
while True:
    for name in os.listdir("."):
        if not name.startswith(".wharf-stage-") or os.path.islink(name): continue
        swaps += 1
        aside = f"aside{swaps}"
        try:
            time.sleep(swaps % 40 / 500)
            os.rename(name, aside)
            os.symlink(sys.argv[2 + swaps % 2], name)
            print(swaps, flush=True)
            if swaps % 3 > 0: continue
            time.sleep(swaps % 7 / 100)
            os.unlink(name)
            os.rename(aside, name)
        except OSError: pass`;
	await create("target", bind());
	const archive = archiveOf({ ...NEW, kept: "the archive's" });
	const failures: unknown[] = [];
	const swaps: unknown[] = [];
	const swapper = spawn("python3", ["-c", script, scene.at("source"), outside, scene.at("source/evil")]);
	try {
		await once(swapper.stdout, "data");
		swapper.stdout.on("data", (told) => swaps.push(told));
		for (let round = 0; round < 20; round++) {
			const restoring = restore(daemon, { volume: "target", replace: true }, archive);
			await restoring.catch((error: unknown) => failures.push(error));
			expect(portrait(outside)).toBe(before);
		}
	} finally {
		swapper.kill("SIGKILL");
		await once(swapper, "exit");
	}
	expect(swaps.length).toBeGreaterThan(0);
	expect(failures.filter((error) => !(error instanceof Fault))).toEqual([]);
	await daemon.kill("SIGTERM");
	await daemon.start();
	await restore(daemon, { volume: "target", replace: true }, archiveOf(NEW));
	expect(contentOf(scene.at("source"))).toEqual(NEW);
	expect(portrait(outside)).toBe(before);
	expect(await amiss(scene)).toEqual([]);
});

describe("killed", () => {
	test.each([
		["store.volumed.restore.began", OLD],
		["volumed.stage.begun", OLD],
		["volumed.stage.prepared", OLD],
		["store.volumed.restore.sealed", NEW],
		["volumed.stage.left", NEW],
		["volumed.stage.gone", NEW],
		["volumed.stage.entered", NEW],
		["volumed.stage.dressed", NEW],
		["store.volumed.restore.entered", NEW],
		["volumed.stage.removed", NEW],
	])("at %s: all of the one or of the other", async (point, content) => {
		const { daemon } = scene;
		await create("target", bind());
		execFileSync("rm", [scene.at("source/file")]);
		put(scene.at("source"), OLD);
		const path = scene.at("new.tar");
		writeFileSync(path, archiveOf(NEW));
		const request = { requestId: "again", volume: "target", path, replace: true };
		await daemon.kill("SIGTERM");
		await daemon.start(point);
		await expect(restore(daemon, request)).rejects.toBeInstanceOf(Fault);
		expect(await daemon.ended()).toMatchObject({ signal: "SIGKILL" });
		await daemon.start();
		expect(await amiss(scene)).toEqual([]);
		expect(contentOf(scene.at("source"))).toEqual(content);
		expect(await restore(daemon, request)).toMatchObject({ entries: 2n });
		expect(contentOf(scene.at("source"))).toEqual(NEW);
	});

	test.each([
		["store.volumed.restore.began", false],
		["volumed.stage.prepared", false],
		["store.volumed.restore.sealed", false],
		["volumed.stage.entered", false],
		["store.volumed.restore.entered", false],
		["store.volumed.restore.done", true],
	])("at %s while a volume with options is made for a clone: it is there: %s", async (point, isThere) => {
		const { daemon } = scene;
		await create("sized", { size: "16m" });
		await restore(daemon, { volume: "sized" }, archiveOf(NEW));
		const request = { requestId: "again", volume: "sized", target: "twin", withOptions: true };
		const clone = () => Array.fromAsync(daemon.backups.cloneVolume(CloneVolumeRequest.fromPartial(request)));
		await daemon.kill("SIGTERM");
		await daemon.start(point);
		await expect(clone()).rejects.toBeInstanceOf(Fault);
		expect(await daemon.ended()).toMatchObject({ signal: "SIGKILL" });
		await daemon.start();
		expect(await amiss(scene)).toEqual([]);
		expect(readdirSync(scene.volumes).includes("twin")).toBe(isThere);
		await clone();
		expect(await within("twin", contentOf)).toEqual(NEW);
	});

	test("and what its options name has gone: nobody gets the volume, and it can be removed", async () => {
		const { daemon } = scene;
		mkdirSync(scene.at("away"));
		await create("target", { type: "none", o: "bind", device: scene.at("away") });
		await daemon.kill("SIGTERM");
		await daemon.start("volumed.stage.left");
		put(scene.at("away"), OLD);
		await expect(restore(daemon, { volume: "target", replace: true }, archiveOf(NEW))).rejects.toBeInstanceOf(Fault);
		execFileSync("mv", [scene.at("away"), scene.at("aside")]);
		await scene.reboot();
		await daemon.start();
		const use = within("target", () => undefined);
		await expect(use).rejects.toMatchObject({ reason: "VOLUME_BUSY" });
		await daemon.volumes.deleteVolume({ requestId: "", name: "target" });
		expect(await amiss(scene)).toEqual([]);
	});
});
