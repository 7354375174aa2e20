/** Volumes with a size: an image where the disk has no quotas, a subvolume on btrfs. */
import { execFileSync } from "node:child_process";
import {
	closeSync,
	existsSync,
	openSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	truncateSync,
	writeFileSync,
	writeSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { attachLoop } from "#lib/linux/mount/loop.ts";
import { mountFs } from "#lib/linux/mount/mount.ts";
import { inOwnMounts, LocalVolumes, mibUntilFull, seenAt } from "../test-support/local-driver.ts";

const MIB = 1024 * 1024;

beforeAll(inOwnMounts);

/** The directory of volumes is a btrfs of its own. */
function onBtrfs(root: string, folder: string): void {
	const disk = join(folder, "disk");
	writeFileSync(disk, "");
	truncateSync(disk, 256 * MIB);
	execFileSync("mkfs.btrfs", ["-q", disk]);
	using device = attachLoop(disk);
	mountFs("btrfs", device.path, root);
}

describe("an image", () => {
	test("is a file system of its own, empty, of the size, while the volume is in use", async () => {
		await using volumes = await LocalVolumes.open();
		const volume = await volumes.made("one", { size: "32m" });
		expect(volume.backing).toBe("image");
		const image = join(volumes.root, "one/image");
		expect(statSync(image).size).toBe(32 * MIB);
		expect(volumes.loops()).toEqual([]);
		expect(volumes.driver.needsMount(volume)).toBe(true);
		expect(await volumes.driver.isMounted(volume)).toBe(false);

		const path = await volumes.mount(volume);
		expect(path).toBe(volumes.data(volume));
		expect(seenAt(path)).toMatchObject({ fstype: "ext4", source: expect.stringMatching(/^\/dev\/loop\d+$/) });
		expect(execFileSync("stat", ["-f", "-c", "%T", path], { encoding: "utf8" })).toBe("ext2/ext3\n");
		expect(execFileSync("stat", ["-c", "%a %u:%g", path], { encoding: "utf8" })).toBe("755 0:0\n");
		expect(readdirSync(path)).toEqual([]);
		expect(volumes.loops()).toEqual([image]);
		expect(await volumes.driver.isMounted(volume)).toBe(true);
		expect(Object.fromEntries(await volumes.driver.status(volume))).toEqual({
			size: "32m",
			enforced_by: `a file system of its own in ${image}`,
			mounted: "yes",
		});

		const mib = mibUntilFull(join(path, "big"), 100);
		expect(mib).toBeGreaterThan(20);
		expect(mib).toBeLessThan(32);
		await volumes.driver.unmount(volume);
		expect(seenAt(path)).toBeUndefined();
		expect(readdirSync(path)).toEqual([]);
		await expect.poll(() => volumes.loops()).toEqual([]);
		execFileSync("e2fsck", ["-fn", image], { stdio: "pipe" });
	});

	test("gives back what is deleted", async () => {
		await using volumes = await LocalVolumes.open();
		const volume = await volumes.made("one", { size: "64m" });
		const path = await volumes.mount(volume);
		const used = (): number => statSync(join(volumes.root, "one/image")).blocks * 512;
		mibUntilFull(join(path, "big"), 30);
		execFileSync("sync", ["-f", path]);
		expect(used()).toBeGreaterThan(30 * MIB);
		rmSync(join(path, "big"));
		execFileSync("sync", ["-f", path]);
		await expect.poll(used, { timeout: 10_000 }).toBeLessThan(15 * MIB);
	});

	test("is made and mounted once, however often it is asked for, and found again after a reboot", async () => {
		await using volumes = await LocalVolumes.open();
		const volume = await volumes.made("one", { size: "16m" });
		const path = await volumes.mount(volume);
		writeFileSync(join(path, "file"), "1");
		await volumes.driver.create(volume, volumes.signal);
		await volumes.mount(volume);
		expect(volumes.mounts()).toHaveLength(1);
		expect(volumes.loops()).toHaveLength(1);
		// All mounts are gone; and an unmount of what is not mounted is none.
		execFileSync("umount", [path]);
		await volumes.driver.unmount(volume);
		expect(await volumes.driver.isMounted(volume)).toBe(false);
		await volumes.mount(volume);
		expect(readFileSync(join(path, "file"), "utf8")).toBe("1");
		await volumes.driver.unmount(volume);
		renameSync(join(volumes.root, "one"), join(volumes.root, "two"));
		const renamed = { ...volume, name: "two" };
		expect(readdirSync(await volumes.mount(renamed))).toEqual(["file"]);
		await volumes.driver.unmount(renamed);
	});

	test("that is busy goes, and the next mount is the same file system, not a second one beside it", async () => {
		await using volumes = await LocalVolumes.open();
		const volume = await volumes.made("one", { size: "16m" });
		const path = await volumes.mount(volume);
		const held = openSync(join(path, "held"), "w");
		await volumes.driver.unmount(volume);
		expect(seenAt(path)).toBeUndefined();
		expect(volumes.loops()).toHaveLength(1);
		await volumes.mount(volume);
		writeSync(held, "written by the old user");
		expect(readFileSync(join(path, "held"), "utf8")).toBe("written by the old user");
		expect(volumes.loops()).toHaveLength(1);
		closeSync(held);
		await volumes.driver.unmount(volume);
		await expect.poll(() => volumes.loops()).toEqual([]);
	});

	test("has its own device, however many are mounted at once", async () => {
		await using volumes = await LocalVolumes.open();
		const made = await Promise.all(["a1", "b2", "c3", "d4"].map((name) => volumes.made(name, { size: "16m" })));
		const paths = await Promise.all(made.map((volume) => volumes.mount(volume)));
		for (const [index, path] of paths.entries()) writeFileSync(join(path, `file${index}`), "");
		expect(paths.map((path) => readdirSync(path))).toEqual([["file0"], ["file1"], ["file2"], ["file3"]]);
		expect(new Set(paths.map((path) => seenAt(path)?.source)).size).toBe(4);
		await Promise.all(made.map((volume) => volumes.driver.unmount(volume)));
		await expect.poll(() => volumes.loops()).toEqual([]);
	});

	test("that cannot be mounted leaves nothing and says why", async () => {
		await using volumes = await LocalVolumes.open();
		const volume = await volumes.made("one", { size: "16m" });
		const image = join(volumes.root, "one/image");
		renameSync(image, join(volumes.folder, "kept"));
		await expect(volumes.mount(volume)).rejects.toMatchObject({
			reason: "MOUNT_FAILED",
			message: `The volume one cannot be mounted: its file ${image} is gone.`,
		});
		writeFileSync(image, Buffer.alloc(16 * MIB));
		await expect(volumes.mount(volume)).rejects.toMatchObject({
			reason: "MOUNT_FAILED",
			message: `The volume one cannot be mounted: there is no file system in ${image} that can be read.`,
		});
		expect(volumes.mounts()).toEqual([]);
		await expect.poll(() => volumes.loops()).toEqual([]);
		expect(await volumes.driver.isMounted(volume)).toBe(false);
	});

	test("whose file has gone under it stays mounted: nothing else has the content", async () => {
		await using volumes = await LocalVolumes.open();
		const volume = await volumes.made("one", { size: "16m" });
		const path = await volumes.mount(volume);
		writeFileSync(join(path, "file"), "1");
		rmSync(join(volumes.root, "one/image"));
		expect(await volumes.mount(volume)).toBe(path);
		expect(readFileSync(join(path, "file"), "utf8")).toBe("1");
	});

	test("in the place of which something else is mounted is mounted instead", async () => {
		await using volumes = await LocalVolumes.open();
		const volume = await volumes.made("one", { size: "16m" });
		const path = volumes.data(volume);
		mountFs("tmpfs", "stranger", path);
		expect(await volumes.driver.isMounted(volume)).toBe(false);
		await volumes.mount(volume);
		expect(seenAt(path)?.fstype).toBe("ext4");
		expect(volumes.mounts()).toHaveLength(1);
	});

	test("for which the disk has no room is refused, and nothing is left", async () => {
		await using volumes = await LocalVolumes.open((root) => mountFs("tmpfs", "small", root, ["size=32k"]));
		const volume = await volumes.planned("one", { size: "64m" });
		await expect(volumes.driver.create(volume, volumes.signal)).rejects.toMatchObject({ reason: "DISK_FULL" });
		expect(volumes.names()).toEqual([]);
		expect(volumes.loops()).toEqual([]);
		await volumes.driver.remove(volume);
	});

	test("that is given up while it is made leaves nothing", async () => {
		await using volumes = await LocalVolumes.open();
		const volume = await volumes.planned("one", { size: "64m" });
		const reason = new Error("given up");
		await expect(volumes.driver.create(volume, AbortSignal.abort(reason))).rejects.toBe(reason);
		expect(volumes.names()).toEqual([]);
	});

	test("needs room for a file system", async () => {
		await using volumes = await LocalVolumes.open();
		await expect(volumes.planned("one", { size: "15m" })).rejects.toMatchObject({
			reason: "INVALID_OPTION",
			message: "size is 15m; allowed is 16m or more.",
		});
	});

	test("is removed while it is mounted, after a crash", async () => {
		await using volumes = await LocalVolumes.open();
		const volume = await volumes.made("one", { size: "16m" });
		await volumes.mount(volume);
		await volumes.driver.remove(volume);
		await volumes.driver.remove(volume);
		await volumes.sweep();
		expect([volumes.names(), volumes.mounts()]).toEqual([[], []]);
		await expect.poll(() => volumes.loops()).toEqual([]);
	});

	test.each([
		"volumed.local.image",
		"volumed.local.mkfs",
		"volumed.local.image.place",
		"volumed.local.loop",
		"volumed.local.mounted",
		"volumed.local.unmount",
		"volumed.local.release",
	])("heals when it is killed at %s", async (point) => {
		await using volumes = await LocalVolumes.open();
		const volume = await volumes.planned("one", { size: "16m" });
		expect(volumes.killedAt(point, volume, ["create", "mount", "unmount", "remove"])).toBe("SIGKILL");
		// No device without its mount.
		await expect.poll(() => volumes.loops()).toHaveLength(volumes.mounts().length);
		await volumes.driver.create(volume, volumes.signal);
		writeFileSync(join(await volumes.mount(volume), "file"), "1");
		expect(readdirSync(join(volumes.root, "one")).sort()).toEqual(["_data", "image"]);
		await volumes.driver.unmount(volume);
		await volumes.driver.remove(volume);
		await volumes.sweep();
		expect([volumes.names(), readdirSync(join(volumes.root, ".trash")), volumes.mounts()]).toEqual([[], [], []]);
		await expect.poll(() => volumes.loops()).toEqual([]);
	});
});

describe("a subvolume", () => {
	const listed = (root: string): string => execFileSync("btrfs", ["subvolume", "list", root], { encoding: "utf8" });

	test("is bounded by its qgroup, at once and without a mount", async () => {
		await using volumes = await LocalVolumes.open(onBtrfs);
		const volume = await volumes.made("one", { size: "24m" });
		await volumes.driver.create(volume, volumes.signal);
		expect(volume.backing).toBe("subvolume");
		expect(volumes.driver.needsMount(volume)).toBe(false);
		const path = await volumes.mount(volume);
		expect(listed(volumes.root)).toMatch(/path one\/_data\n/);
		expect(readdirSync(join(volumes.root, "one"))).toEqual(["_data"]);
		expect(execFileSync("stat", ["-c", "%a %u:%g", path], { encoding: "utf8" })).toBe("755 0:0\n");
		const mib = mibUntilFull(join(path, "big"), 100);
		expect(mib).toBeGreaterThan(16);
		expect(mib).toBeLessThanOrEqual(24);
		expect(mibUntilFull(join(volumes.root, "beside"), 30)).toBe(30);
		expect(Object.fromEntries(await volumes.driver.status(volume))).toEqual({
			size: "24m",
			enforced_by: "btrfs qgroup",
		});
		execFileSync("btrfs", ["quota", "disable", volumes.root]);
		expect((await volumes.driver.status(volume)).get("enforced_by")).toBe("nothing");
	});

	test("is removed with all that is in it", async () => {
		await using volumes = await LocalVolumes.open(onBtrfs);
		const volume = await volumes.made("one", { size: "24m" });
		writeFileSync(join(volumes.data(volume), "file"), "1");
		execFileSync("btrfs", ["subvolume", "create", join(volumes.data(volume), "inner")], { stdio: "pipe" });
		await volumes.driver.remove(volume);
		await volumes.driver.remove(volume);
		await volumes.sweep();
		expect([volumes.names(), listed(volumes.root)]).toEqual([[], ""]);
	});

	test("that the disk cannot make leaves nothing", async () => {
		await using volumes = await LocalVolumes.open(onBtrfs);
		const volume = await volumes.planned("one", { size: "24m" });
		execFileSync("mount", ["-o", "remount,ro", volumes.root]);
		await expect(volumes.driver.create(volume, volumes.signal)).rejects.toMatchObject({ reason: "KERNEL_REFUSED" });
		execFileSync("mount", ["-o", "remount,rw", volumes.root]);
		expect(volumes.names()).toEqual([]);
	});

	test.each([
		"volumed.local.quota",
		"volumed.local.subvolume",
		"volumed.local.limit",
		"volumed.local.place",
		"volumed.local.subvolume.remove",
	])("heals when it is killed at %s", async (point) => {
		await using volumes = await LocalVolumes.open(onBtrfs);
		const volume = await volumes.planned("one", { size: "24m" });
		expect(volumes.killedAt(point, volume, ["create", "remove"])).toBe("SIGKILL");
		await volumes.driver.create(volume, volumes.signal);
		expect(readdirSync(join(volumes.root, "one"))).toEqual(["_data"]);
		expect((await volumes.driver.status(volume)).get("enforced_by")).toBe("btrfs qgroup");
		await volumes.driver.remove(volume);
		await volumes.sweep();
		expect([volumes.names(), listed(volumes.root)]).toEqual([[], ""]);
	});

	test("is not made for a volume without a size, nor an image on any disk", async () => {
		await using volumes = await LocalVolumes.open(onBtrfs);
		const volume = await volumes.made("one");
		expect(volume.backing).toBe("directory");
		expect([existsSync(volumes.data(volume)), listed(volumes.root)]).toEqual([true, ""]);
		expect(Object.fromEntries(await volumes.driver.status(volume))).toEqual({});
		await expect(volumes.planned("two", { size: "1000k" })).rejects.toMatchObject({
			message: "size is 1000k; allowed is 1m or more.",
		});
	});
});
