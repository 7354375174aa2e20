/** Volumes that are what the host can mount: directories, memory, devices, servers. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
	closeSync,
	mkdirSync,
	openSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	symlinkSync,
	truncateSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { attachLoop } from "#lib/linux/mount/loop.ts";
import { bindMount, mountFs, unmount } from "#lib/linux/mount/mount.ts";
import { inOwnMounts, LocalVolumes, mibUntilFull, seenAt } from "../test-support/local-driver.ts";

beforeAll(inOwnMounts);

/** A server of files that says nothing until it is closed, mounted at the path. */
function silentServer(path: string): Disposable {
	const server = openSync("/dev/fuse", "r+");
	mountFs("fuse", "silent", path, [`fd=${server}`, "rootmode=40000", "user_id=0", "group_id=0"]);
	return { [Symbol.dispose]: () => closeSync(server) };
}

describe("a plain volume", () => {
	test("is a directory, made once and removed once", async () => {
		await using volumes = await LocalVolumes.open();
		const volume = await volumes.made("one");
		writeFileSync(join(volumes.data(volume), "file"), "1");
		await volumes.driver.create(volume, volumes.signal);
		expect([volume.backing, volumes.driver.needsMount(volume)]).toEqual(["directory", false]);
		expect(await volumes.mount(volume)).toBe(volumes.data(volume));
		expect(await volumes.driver.isMounted(volume)).toBe(true);
		await volumes.driver.unmount(volume);
		expect(readdirSync(volumes.data(volume))).toEqual(["file"]);
		expect(volumes.mounts()).toEqual([]);
		await volumes.driver.remove(volume);
		await volumes.driver.remove(volume);
		expect(volumes.names()).toEqual([]);
		expect(await volumes.driver.isMounted(volume)).toBe(false);
	});

	test("in which somebody has mounted a directory of theirs is removed without it", async () => {
		await using volumes = await LocalVolumes.open();
		const volume = await volumes.made("one");
		const theirs = join(volumes.folder, "theirs");
		mkdirSync(theirs);
		writeFileSync(join(theirs, "precious"), "1");
		mkdirSync(join(volumes.data(volume), "inside"));
		bindMount(theirs, join(volumes.data(volume), "inside"));
		await volumes.driver.remove(volume);
		await volumes.sweep();
		expect(readFileSync(join(theirs, "precious"), "utf8")).toBe("1");
		expect(volumes.names()).toEqual([]);
	});
});

describe("memory", () => {
	test("is mounted with the user's options and no others", async () => {
		await using volumes = await LocalVolumes.open();
		const volume = await volumes.made("one", { type: "tmpfs", device: "tmpfs", o: "size=2m,mode=0750,uid=7,noexec" });
		expect(volume.backing).toBe("mount");
		expect(seenAt(volumes.data(volume))).toBeUndefined();
		const path = await volumes.mount(volume);
		expect(await volumes.mount(volume)).toBe(path);
		expect(volumes.mounts()).toHaveLength(1);
		const { fstype, source, options } = seenAt(path) ?? { options: [] };
		expect([fstype, source]).toEqual(["tmpfs", "tmpfs"]);
		expect(options).toEqual(expect.arrayContaining(["rw", "noexec", "size=2048k", "mode=750", "uid=7"]));
		expect(options).not.toContain("nosuid");
		expect(execFileSync("stat", ["-f", "-c", "%T", path], { encoding: "utf8" })).toBe("tmpfs\n");
		expect(mibUntilFull(join(path, "big"), 9)).toBe(2);
		expect(Object.fromEntries(await volumes.driver.status(volume))).toEqual({ mounted: "yes" });
		await volumes.driver.unmount(volume);
		await volumes.driver.unmount(volume);
		expect(Object.fromEntries(await volumes.driver.status(volume))).toEqual({ mounted: "no" });
		expect(readdirSync(path)).toEqual([]);
		expect(statSync(path).mode & 0o777).toBe(0o755);
	});

	test("refuses what the file system does not know", async () => {
		await using volumes = await LocalVolumes.open();
		const volume = await volumes.made("one", { type: "tmpfs", device: "tmpfs", o: "sise=2m" });
		await expect(volumes.mount(volume)).rejects.toMatchObject({
			reason: "MOUNT_FAILED",
			message: "The volume one cannot be mounted: tmpfs refuses tmpfs, or an option in o.",
		});
		expect(volumes.mounts()).toEqual([]);
	});
});

describe("a directory of the host", () => {
	test("is bound, and is there again when its volume is gone", async () => {
		await using volumes = await LocalVolumes.open();
		const source = join(volumes.folder, "a source, with commas");
		mkdirSync(source);
		const volume = await volumes.made("one", { type: "none", device: source, o: "bind,ro" });
		const path = await volumes.mount(volume);
		expect(seenAt(path)?.options).toContain("ro");
		expect(() => writeFileSync(join(path, "file"), "")).toThrow(expect.objectContaining({ code: "EROFS" }));
		writeFileSync(join(source, "file"), "1");
		expect(readdirSync(path)).toEqual(["file"]);
		await volumes.driver.remove(volume);
		await volumes.sweep();
		expect(readdirSync(source)).toEqual(["file"]);
		expect([volumes.names(), volumes.mounts()]).toEqual([[], []]);
	});

	test("is bound by a symlink to it as well, and with what is mounted in it when that is wanted", async () => {
		await using volumes = await LocalVolumes.open();
		mkdirSync(join(volumes.folder, "source/inside"), { recursive: true });
		mountFs("tmpfs", "inside", join(volumes.folder, "source/inside"));
		const link = join(volumes.folder, "link");
		symlinkSync("source", link);
		const one = await volumes.made("one", { type: "none", device: link, o: "bind" });
		const all = await volumes.made("all", { type: "none", device: link, o: "rbind" });
		expect(seenAt(join(await volumes.mount(one), "inside"))).toBeUndefined();
		expect(seenAt(join(await volumes.mount(all), "inside"))?.source).toBe("inside");
		for (const volume of [one, all]) await volumes.driver.unmount(volume);
		expect(volumes.mounts()).toEqual([]);
		unmount(join(volumes.folder, "source/inside"));
	});

	test("that is missing, or is none, is said when it is mounted", async () => {
		await using volumes = await LocalVolumes.open();
		const source = join(volumes.folder, "source");
		const volume = await volumes.made("one", { type: "none", device: source, o: "bind" });
		const message = `The volume one cannot be mounted: there is no ${source}.`;
		await expect(volumes.mount(volume)).rejects.toMatchObject({ reason: "MOUNT_FAILED", message });
		writeFileSync(source, "");
		const none = `The volume one cannot be mounted: ${source} is no directory.`;
		await expect(volumes.mount(volume)).rejects.toMatchObject({ reason: "MOUNT_FAILED", message: none });
		expect(volumes.mounts()).toEqual([]);
	});

	test("that was removed and made again is bound anew", async () => {
		await using volumes = await LocalVolumes.open();
		const source = join(volumes.folder, "source");
		mkdirSync(source);
		const volume = await volumes.made("one", { type: "none", device: source, o: "bind" });
		const path = await volumes.mount(volume);
		rmSync(source, { recursive: true });
		expect(await volumes.driver.isMounted(volume)).toBe(false);
		mkdirSync(source);
		writeFileSync(join(source, "new"), "");
		await volumes.mount(volume);
		expect(readdirSync(path)).toEqual(["new"]);
		expect(volumes.mounts()).toHaveLength(1);
	});

	test("in use leaves the tree all the same", async () => {
		await using volumes = await LocalVolumes.open();
		const source = join(volumes.folder, "source");
		mkdirSync(source);
		const volume = await volumes.made("one", { type: "none", device: source, o: "bind" });
		const path = await volumes.mount(volume);
		const user = spawn("sh", ["-c", "echo in; read line"], { cwd: path, stdio: ["pipe", "pipe", "ignore"] });
		await once(user.stdout, "data");
		await volumes.driver.unmount(volume);
		expect(seenAt(path)).toBeUndefined();
		user.stdin.end();
		await once(user, "exit");
	});
});

describe("a device", () => {
	test("is mounted as what it is said to be", async () => {
		await using volumes = await LocalVolumes.open();
		const image = join(volumes.folder, "image");
		writeFileSync(image, "");
		truncateSync(image, 32 * 1024 * 1024);
		execFileSync("mkfs.ext4", ["-q", "-F", image]);
		using device = attachLoop(image);
		const volume = await volumes.made("one", { type: "ext4", device: device.path, o: "noatime,discard" });
		const path = await volumes.mount(volume);
		expect(seenAt(path)).toMatchObject({ fstype: "ext4", source: device.path });
		expect(seenAt(path)?.options).toEqual(expect.arrayContaining(["noatime", "discard"]));
		expect(readdirSync(path)).toEqual(["lost+found"]);
		await volumes.driver.unmount(volume);
		const other = await volumes.made("two", { type: "btrfs", device: device.path });
		await expect(volumes.mount(other)).rejects.toMatchObject({
			message: `The volume two cannot be mounted: btrfs refuses ${device.path}, or an option in o.`,
		});
	});

	test.each([
		["/dev/nosuch", "there is no /dev/nosuch"],
		["/etc/passwd", "/etc/passwd is no block device"],
	])("%s: %s", async (device, problem) => {
		await using volumes = await LocalVolumes.open();
		const volume = await volumes.made("one", { type: "ext4", device });
		await expect(volumes.mount(volume)).rejects.toMatchObject({
			reason: "MOUNT_FAILED",
			message: `The volume one cannot be mounted: ${problem}.`,
		});
		expect(volumes.mounts()).toEqual([]);
	});
});

describe("a server", () => {
	test("of a kind that the kernel does not know is said so, and no secret is told", async () => {
		await using volumes = await LocalVolumes.open();
		const o = "addr=127.0.0.1,username=me,password=hunter2";
		const volume = await volumes.made("one", { type: "nosuchfs", device: "//server/share", o });
		const failed = await volumes.mount(volume).catch((error: unknown) => error);
		expect(failed).toMatchObject({
			reason: "MOUNT_FAILED",
			message: "The volume one cannot be mounted: this kernel has no file system nosuchfs.",
		});
		const told = [JSON.stringify(failed), ...volumes.lines, ...(await volumes.driver.status(volume)).values()];
		expect(told.join("\n")).not.toContain("hunter2");
		expect(volumes.mounts()).toEqual([]);
	});

	test("is mounted by a program that is told nothing by its arguments", async () => {
		await using volumes = await LocalVolumes.open();
		// The kind of file system does not matter, but that the driver does not mount it itself.
		const volume = await volumes.made("one", { type: "mqueue", device: "a name # with\\ odd", o: "nodev,noexec" });
		const path = await volumes.mount(volume);
		expect(seenAt(path)).toMatchObject({ fstype: "mqueue", source: "a name # with\\ odd" });
		expect(seenAt(path)?.options).toEqual(expect.arrayContaining(["nodev", "noexec"]));
		expect(await volumes.driver.isMounted(volume)).toBe(true);
		await volumes.driver.unmount(volume);
		expect(volumes.mounts()).toEqual([]);
	});

	test("that does not answer is given up; its program is gone, and had no password among its arguments", async () => {
		await using volumes = await LocalVolumes.open(undefined, 5_000);
		const hung = join(volumes.folder, "hung");
		mkdirSync(hung);
		using _silent = silentServer(hung);
		const options = { type: "fuseblk", device: join(hung, "device"), o: "password=hunter2" };
		const volume = await volumes.made("one", options);
		const mounting = volumes.mount(volume).catch((error: unknown) => error);
		const programs = (): string[] =>
			execFileSync("ps", ["-eo", "ppid=,args="], { encoding: "utf8" })
				.split("\n")
				.filter((line) => line.trimStart().startsWith(`${process.pid} mount `));
		await expect.poll(programs, { timeout: 5_000 }).toHaveLength(1);
		expect(programs().join("")).not.toContain("hunter2");
		expect(await mounting).toMatchObject({
			reason: "MOUNT_FAILED",
			message: `The volume one cannot be mounted: ${hung}/device did not answer in time.`,
		});
		expect(programs()).toEqual([]);
		expect(volumes.mounts()).toEqual([]);
		unmount(hung, { detach: true });
	});

	test("that the caller does not wait for any longer is given up", async () => {
		await using volumes = await LocalVolumes.open();
		const volume = await volumes.made("one", { type: "mqueue", device: "queue" });
		const reason = new Error("given up");
		await expect(volumes.driver.mount(volume, AbortSignal.abort(reason))).rejects.toBe(reason);
		expect(volumes.mounts()).toEqual([]);
	});
});

describe("a dead mount", () => {
	test("of a server that has ended is replaced", async () => {
		await using volumes = await LocalVolumes.open();
		const source = join(volumes.folder, "source");
		mkdirSync(source);
		const volume = await volumes.made("one", { type: "none", device: source, o: "bind" });
		const path = volumes.data(volume);
		silentServer(path)[Symbol.dispose]();
		expect(() => readdirSync(path)).toThrow(expect.objectContaining({ code: "ENOTCONN" }));
		expect(await volumes.driver.isMounted(volume)).toBe(false);
		expect((await volumes.driver.status(volume)).get("mounted")).toBe("no");
		await volumes.mount(volume);
		expect(volumes.mounts()).toHaveLength(1);
		writeFileSync(join(source, "file"), "");
		expect(readdirSync(path)).toEqual(["file"]);
	});

	test("of a server that says nothing is replaced, and nobody waits for it for ever", async () => {
		await using volumes = await LocalVolumes.open();
		const volume = await volumes.made("one", { type: "tmpfs", device: "tmpfs" });
		const path = volumes.data(volume);
		using _silent = silentServer(path);
		await volumes.mount(volume);
		expect(seenAt(path)?.fstype).toBe("tmpfs");
		expect(volumes.mounts()).toHaveLength(1);
	});
});

test.each(["volumed.local.mount", "volumed.local.mounted", "volumed.local.unmount", "volumed.local.release"])(
	"what is mounted heals when it is killed at %s",
	async (point) => {
		await using volumes = await LocalVolumes.open();
		const source = join(volumes.folder, "source");
		mkdirSync(source);
		writeFileSync(join(source, "precious"), "1");
		const volume = await volumes.planned("one", { type: "none", device: source, o: "bind" });
		expect(volumes.killedAt(point, volume, ["create", "mount", "unmount", "remove"])).toBe("SIGKILL");
		await volumes.driver.create(volume, volumes.signal);
		expect(readdirSync(await volumes.mount(volume))).toEqual(["precious"]);
		expect(volumes.mounts()).toHaveLength(1);
		await volumes.driver.remove(volume);
		await volumes.sweep();
		expect(readdirSync(source)).toEqual(["precious"]);
		expect([volumes.names(), volumes.mounts()]).toEqual([[], []]);
	},
);
