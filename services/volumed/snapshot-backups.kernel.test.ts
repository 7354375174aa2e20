/** Backups of volumes whose file system can tell what was there at one moment: nobody stands still, and nothing is left. */
import { execFileSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CloneVolumeRequest, CreateVolumeRequest } from "#gen/wharf/volume/v1/volume.ts";
import { createSubvolume } from "#lib/linux/btrfs.ts";
import type { ScratchCgroup } from "#lib/linux/test-support/scratch-cgroup.ts";
import { backup, type Daemon, restore } from "./test-support/daemon.ts";
import { KillScene, ownMountsAndRun } from "./test-support/kill-scene.ts";
import { problemsIn, writeAllTheTime } from "./test-support/live-writer.ts";

let scene: KillScene;
let daemon: Daemon;
let group: ScratchCgroup;
const archive = (name: string): string => join(scene.folder, name);
const snapshots = (): string[] => readdirSync(join(scene.volumes, ".snapshots"));

beforeAll(async () => {
	ownMountsAndRun();
	scene = await KillScene.open("btrfs");
	({ daemon } = scene);
	await daemon.start();
	const options = { size: "64m" };
	await daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: "live", options }));
	group = await writeAllTheTime(daemon, "live");
});
afterAll(async () => {
	await group[Symbol.asyncDispose]();
	await scene[Symbol.asyncDispose]();
});

test.each([1, 2, 3])("the archive is the volume at one time, and nobody has stood still for it (%i)", async (round) => {
	const path = archive(`live${round}.tar`);
	const { result } = await backup(daemon, { volume: "live", path });
	expect(result).toMatchObject({ paused: [], pausedMs: 0, warnings: [] });
	await restore(daemon, { volume: `copy${round}`, path, create: true });
	expect([problemsIn(daemon.content(`copy${round}`)), snapshots()]).toEqual([[], []]);
});

test("a clone is the volume at one time, shares its content, and nobody has stood still for it", async () => {
	writeFileSync(join(daemon.content("live"), "large"), Buffer.alloc(8 * 1024 * 1024, "content"));
	const request = CloneVolumeRequest.fromPartial({ volume: "live", target: "clone", withOptions: true });
	const { part } = (await Array.fromAsync(daemon.backups.cloneVolume(request))).at(-1) ?? {};
	expect(part?.value).toMatchObject({ paused: [], pausedMs: 0, warnings: [] });
	expect([problemsIn(daemon.content("clone")), snapshots()]).toEqual([[], []]);
	const extents = execFileSync("filefrag", ["-v", join(daemon.content("clone"), "large")], { encoding: "utf8" });
	expect(extents).toMatch(/shared/);
});

test("a volumed that is killed with one takes it away at its next start", async () => {
	await daemon.kill("SIGTERM");
	await daemon.start("volumed.snapshot.taken");
	const request = { volume: "live", path: archive("killed.tar") };
	await expect(backup(daemon, request)).rejects.toMatchObject({ code: "UNAVAILABLE" });
	expect(snapshots()).toHaveLength(1);
	await daemon.start();
	expect([snapshots(), readdirSync(scene.folder).filter((name) => name.includes("killed"))]).toEqual([[], []]);
});

test("a subvolume that somebody has made in the volume is not missing: its containers stand still instead", async () => {
	createSubvolume(join(daemon.content("live"), "inner"));
	const path = archive("inner.tar");
	expect((await backup(daemon, { volume: "live", path })).result).toMatchObject({ paused: ["web"], warnings: [] });
	await restore(daemon, { volume: "inner", path, create: true });
	expect(problemsIn(daemon.content("inner"))).toEqual([]);
	expect(readdirSync(daemon.content("inner"))).toContain("inner");
});
