import { execFileSync, spawnSync } from "node:child_process";
import {
	closeSync,
	existsSync,
	mkdirSync,
	openSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { bindMount, mountFs, setPropagation, unmount } from "#lib/linux/mount/mount.ts";
import { race } from "../test-support/races.ts";
import { failure, ViewsScene } from "../test-support/views-scene.ts";
import type { LinuxViews } from "./linux-views.ts";
import type { View } from "./views.ts";

const READ_ONLY = "Read-only file system";
/** Which mount it is. */
const MARK = /^\d+ \d+:\d+ \//;

const PROGRAM = fileURLToPath(new URL("../test-support/views-program.ts", import.meta.url));

/** As the sources name them. */
function killPoints(): string[] {
	const files = ["./", "../../../lib/linux/mount/"].flatMap((folder) => {
		const path = fileURLToPath(new URL(folder, import.meta.url));
		return readdirSync(path).map((name) => readFileSync(join(path, name), "utf8"));
	});
	const names = files.flatMap((text) => [...text.matchAll(/killPoint\("((?:mount|volumed\.views)\.[^"]+)"\)/g)]);
	return names.map(([, name = ""]) => name).sort();
}

let scene: ViewsScene;
let views: LinuxViews;
let view: View;
let atRest: string[];

const at = (name: string): string => scene.at(name);
const stat = (format: string, path: string) => execFileSync("stat", ["-c", format, path], { encoding: "utf8" }).trim();
const reason = (name: string) => ({ name: "Fault", reason: name });

beforeEach(async () => {
	scene = new ViewsScene();
	views = await scene.views();
	({ view } = scene);
	atRest = scene.all;
});
afterEach(() => scene[Symbol.asyncDispose]());

describe("a prepared view", () => {
	test("is at its own place with all that is mounted below, and is mounted once however often it is prepared", async () => {
		const path = await views.prepare("a/0", view);
		expect(path).toBe(at("own/mounts/a/0"));
		expect(views.preparedPath("a/0")).toBe(path);
		expect(execFileSync("cat", [join(path, "file")], { encoding: "utf8" })).toBe("content");
		writeFileSync(join(path, "below/x"), "");
		expect(existsSync(at("origin/below/x"))).toBe(true);
		await views.prepare("a/0", view);
		expect(scene.mounts(path).map(({ target }) => target)).toEqual([path, join(path, "below")]);
		expect(stat("%a", at("own/mounts"))).toBe("701");
		await views.discard("a/0");
		await views.discard("a/0");
		expect(scene.all).toEqual(atRest);
		expect(readdirSync(at("own/mounts"))).toEqual([]);
	});

	test("is read-only as far as it was asked for", async () => {
		const prepared = async (id: string, change: Partial<View>) => {
			const path = await views.prepare(id, { ...view, readOnly: true, ...change });
			return [failure("touch", join(path, "x")), failure("touch", join(path, "below/x")), scene.mounts(path).length];
		};
		const no = expect.stringContaining(READ_ONLY) as string;
		expect(await prepared("a/0", {})).toEqual([no, no, 2]);
		expect(await prepared("a/1", { recursion: "readonly" })).toEqual([no, no, 2]);
		expect(await prepared("a/2", { recursion: "writable" })).toEqual([no, "", 2]);
		expect(await prepared("a/3", { recursion: "disabled" })).toEqual([no, no, 1]);
		expect(failure("touch", at("origin/below/y"))).toBe("");
		await views.discard("a");
		expect(scene.all).toEqual(atRest);
	});

	test("may be a part, and a file", async () => {
		expect(readFileSync(join(await views.prepare("a/0", { ...view, subpath: "part" }), "file"), "utf8")).toBe("part");
		const file = await views.prepare("a/1", { ...view, subpath: "part/file", readOnly: true });
		expect(readFileSync(file, "utf8")).toBe("part");
		expect(failure("touch", file)).toContain(READ_ONLY);
		// A directory now, where a file was.
		await views.prepare("a/1", view);
		expect(statSync(file).isDirectory()).toBe(true);
		await views.discard("a/1");
		expect(await views.prepared()).toEqual(["a/0"]);
	});

	test("shows other owners than the disk has, and none who are not in the map", async () => {
		execFileSync("chown", ["5:6", at("origin/file")]);
		execFileSync("chown", ["5000:5000", at("origin/part/file")]);
		const owners = { uids: [{ onDisk: 0, seen: 100_000, count: 1000 }], gids: [] };
		const path = await views.prepare("a/0", { ...view, owners });
		expect(stat("%u:%g", join(path, "file"))).toBe("100005:100006");
		expect(stat("%u:%g", join(path, "part/file"))).toBe("65534:65534");
		expect(failure("touch", join(path, "new"))).toContain("Value too large");
		const mixed = { uids: [{ onDisk: 5, seen: 0, count: 1 }], gids: [{ onDisk: 6, seen: 7, count: 1 }] };
		expect(stat("%u:%g", join(await views.prepare("a/1", { ...view, owners: mixed }), "file"))).toBe("0:7");
		// Without a map it is another view.
		expect(stat("%u:%g", join(await views.prepare("a/0", view), "file"))).toBe("5:6");
	});

	test("is mounted anew when something else is there by now", async () => {
		const path = await views.prepare("a/0", view);
		renameSync(at("origin"), at("elsewhere"));
		mkdirSync(at("origin"));
		writeFileSync(at("origin/new"), "");
		await views.prepare("a/0", view);
		expect(readdirSync(path)).toEqual(["new"]);
		expect(scene.mounts(path)).toHaveLength(1);
		rmSync(at("origin"), { recursive: true });
		await expect(views.prepare("a/0", view)).rejects.toMatchObject(reason("SOURCE_NOT_FOUND"));
	});

	test("goes although files of it are open, and with its attachment's others", async () => {
		for (const id of ["a/0", "a/1", "b/0"]) await views.prepare(id, view);
		const held = openSync(at("own/mounts/a/0/file"), "r");
		await views.discard("a");
		expect(readFileSync(held, "utf8")).toBe("content");
		closeSync(held);
		expect(scene.mounts(at("own/mounts")).map(({ target }) => target)).toEqual([
			at("own/mounts/b/0"),
			at("own/mounts/b/0/below"),
		]);
		expect(await views.prepared()).toEqual(["b/0"]);
		expect(readdirSync(at("own/mounts"))).toEqual(["b"]);
	});

	test("is listed when its place is there, also without a mount; and content at the place is nobody's to remove", async () => {
		await views.prepare("a/0", view);
		mkdirSync(at("own/mounts/c/7"), { recursive: true });
		mkdirSync(at("own/mounts/d/0"), { recursive: true });
		writeFileSync(at("own/mounts/d/0/precious"), "");
		expect(await views.prepared()).toEqual(["a/0", "c/7", "d/0"]);
		for (const name of ["a", "c", "d"]) await views.discard(name);
		expect(await views.prepared()).toEqual(["d/0"]);
		expect(readdirSync(at("own/mounts/d/0"))).toEqual(["precious"]);
		expect(readdirSync(at("origin")).sort()).toEqual(["below", "file", "part"]);
		for (const id of ["..", "../own", "a/../b", "", "a/", "a/b"])
			await expect(views.discard(id)).rejects.toThrow("no id");
	});

	test("tells and is told of mounts as its propagation says", async () => {
		mountFs("tmpfs", "shared", at("host"));
		setPropagation(at("host"), "shared");
		for (const name of ["host/out", "host/in"]) mkdirSync(at(name));
		const below = async (id: string, propagation: View["propagation"]) => {
			const path = await views.prepare(id, { ...view, origin: at("host"), propagation });
			mountFs("tmpfs", "out", at("host/out"));
			mountFs("tmpfs", "in", join(path, "in"));
			const seen = [scene.mounts(join(path, "out")).length, scene.mounts(at("host/in")).length];
			unmount(join(path, "in"), { detach: true });
			unmount(at("host/out"), { detach: true });
			await views.discard(id);
			return seen;
		};
		expect(await below("a/0", "rprivate")).toEqual([0, 0]);
		expect(await below("a/1", "rslave")).toEqual([1, 0]);
		expect(await below("a/2", "rshared")).toEqual([1, 1]);
		expect(await views.canPropagate(at("host/out"), "rshared")).toBe(true);
		expect(await views.canPropagate(at("host/not/yet"), "shared")).toBe(true);
		expect(await views.canPropagate(at("origin"), "rshared")).toBe(false);
		expect(await views.canPropagate(at("origin"), "slave")).toBe(false);
		expect(await views.canPropagate(at("origin"), "rprivate")).toBe(true);
		mkdirSync(at("told"));
		bindMount(at("host"), at("told"));
		setPropagation(at("told"), "slave");
		expect(await views.canPropagate(at("told"), "rslave")).toBe(true);
		expect(await views.canPropagate(at("told"), "rshared")).toBe(false);
		unmount(at("told"));
		unmount(at("host"));
		expect(scene.all).toEqual(atRest);
	});

	test("that cannot be leaves nothing", async () => {
		symlinkSync("/etc", at("origin/link"));
		const prepare = (change: Partial<View>) => views.prepare("a/0", { ...view, ...change });
		await expect(prepare({ origin: at("gone") })).rejects.toMatchObject(reason("SOURCE_NOT_FOUND"));
		for (const subpath of ["gone", "link", "link/passwd", "../host", "file/x", "/etc"]) {
			await expect(prepare({ subpath })).rejects.toMatchObject(reason("SUBPATH_REFUSED"));
		}
		const twice = [{ onDisk: 0, seen: 1, count: 2 }];
		const overlapping = { uids: [...twice, ...twice], gids: [] };
		await expect(prepare({ owners: overlapping })).rejects.toMatchObject(reason("CANNOT_MAP_OWNERS"));
		const owners = { uids: twice, gids: [] };
		await expect(prepare({ origin: "/proc/fs", owners })).rejects.toMatchObject(reason("CANNOT_MAP_OWNERS"));
		expect(scene.all).toEqual(atRest);
		expect(readdirSync(at("own/mounts"))).toEqual([]);
	});
});

describe("a published view", () => {
	test("is at its path until it is unpublished; a directory that was made for it goes", async () => {
		const path = at("host/shown");
		expect(await views.findPublished(path, view)).toBeUndefined();
		expect((await views.publish(path, { ...view, readOnly: true })).made).toBe(true);
		expect((await views.publish(path, { ...view, readOnly: true })).made).toBe(false);
		expect(stat("%a %u:%g", at("host"))).toBe("755 0:0");
		expect(failure("touch", join(path, "below/x"))).toContain(READ_ONLY);
		expect(await views.findPublished(path, { ...view, readOnly: true })).toMatch(MARK);
		expect(await views.findPublished(path, view)).toBeUndefined();
		expect(await views.findPublished(path, { ...view, readOnly: true, subpath: "part" })).toBeUndefined();
		const held = openSync(join(path, "file"), "r");
		await views.unpublish(path, view, true);
		closeSync(held);
		await views.unpublish(path, view, true);
		expect(readdirSync(at("host"))).toEqual([]);
		expect(scene.all).toEqual(atRest);
	});

	test("whose volume was mounted anew follows it: what showed the old one is not covered, it goes", async () => {
		const [path, remote] = [at("host/shown"), { ...view, origin: at("remote") }];
		mkdirSync(at("remote"));
		mountFs("tmpfs", "first", at("remote"));
		const { mark: first } = await views.publish(path, remote);
		writeFileSync(at("remote/of-the-first"), "");
		const held = openSync(join(path, "of-the-first"), "r");
		unmount(at("remote"), { detach: true });
		mountFs("tmpfs", "second", at("remote"));
		writeFileSync(at("remote/of-the-second"), "");
		const { mark: second } = await views.publish(path, remote, first);
		closeSync(held);
		expect([readdirSync(path), scene.mounts(path).length]).toEqual([["of-the-second"], 1]);
		expect([second === first, await views.findPublished(path, remote)]).toEqual([false, second]);
		// And once more, but nobody has told of it.
		unmount(at("remote"), { detach: true });
		await views.unpublish(path, remote, true, first);
		expect(scene.mounts(path)).toHaveLength(1);
		await views.unpublish(path, remote, true, second);
		expect(scene.all).toEqual(atRest);
		expect(readdirSync(at("host"))).toEqual([]);
	});

	test("takes nobody else's mount, directory or content away", async () => {
		const path = at("host/shown");
		mkdirSync(path);
		expect((await views.publish(path, view)).made).toBe(false);
		mountFs("tmpfs", "an administrator's", path);
		expect(await views.findPublished(path, view)).toBeUndefined();
		await views.unpublish(path, view, false);
		expect(scene.mounts(path).at(-1)?.target).toBe(path);
		unmount(path);
		expect(await views.findPublished(path, view)).toMatch(MARK);
		await views.unpublish(path, { ...view, origin: at("own") }, false);
		await views.unpublish(path, { ...view, origin: at("origin/part") }, false);
		expect(await views.findPublished(path, view)).toMatch(MARK);
		await views.unpublish(path, view, false);
		expect(readdirSync(at("host"))).toEqual(["shown"]);
		writeFileSync(join(path, "precious"), "");
		await views.unpublish(path, view, true);
		expect(readdirSync(path)).toEqual(["precious"]);
		await views.unpublish(at("gone/shown"), view, true);
	});

	test("is refused where it would hide something, or lead elsewhere", async () => {
		symlinkSync("/etc", at("host/link"));
		symlinkSync(at("own"), at("host/to-own"));
		symlinkSync(at("host"), at("way"));
		writeFileSync(at("host/file"), "");
		const paths = [
			...["relative", "/", "", "/mnt/../etc", "/mnt/", "/mnt//x", "/a\0b", `/${"x".repeat(4096)}`],
			...["host/link", "host/file", "host/gone/x", "host/file/x", "own", "own/x", "own/mounts/a", "host/to-own/x"].map(
				at,
			),
			scene.base,
			"/tmp",
		];
		for (const path of paths) {
			await expect(views.publish(path, view)).rejects.toMatchObject({ reason: "INVALID_PATH", metadata: { path } });
			expect(await views.findPublished(path, view)).toBeUndefined();
		}
		expect(scene.all).toEqual(atRest);
		expect(readdirSync(at("host")).sort()).toEqual(["file", "link", "to-own"]);
		// Links among the parents are the administrator's.
		expect((await views.publish(at("way/shown"), view)).made).toBe(true);
		expect(scene.mounts(at("host/shown"))).toHaveLength(2);
		await views.unpublish(at("way/shown"), view, true);
	});

	test("of what is missing makes nothing", async () => {
		await expect(views.publish(at("host/x"), { ...view, origin: at("gone") })).rejects.toMatchObject(
			reason("SOURCE_NOT_FOUND"),
		);
		await expect(views.publish(at("host/x"), { ...view, subpath: "gone" })).rejects.toMatchObject(
			reason("SUBPATH_REFUSED"),
		);
		expect(readdirSync(at("host"))).toEqual([]);
	});
});

describe("a view in a process", () => {
	test("is seen there alone, and goes again", async () => {
		const container = await scene.container();
		const identity = await views.identify(container.pid);
		if (identity === undefined) throw new Error("it has ended");
		await views.mountInto(identity, { ...view, readOnly: true }, "/srv/data");
		expect(container.sh("cat /srv/data/file")).toBe("content");
		const enter = ["-t", String(container.pid), "-m", "-r", "--"];
		expect(failure("nsenter", ...enter, "touch", "/srv/data/below/x")).toContain(READ_ONLY);
		expect(scene.all).toEqual(atRest);
		await views.unmountFrom(identity, { ...view, origin: at("own") }, "/srv/data");
		expect(container.mounts("/srv")).toHaveLength(2);
		await views.unmountFrom(identity, view, "/srv/data");
		expect(container.mounts("/srv")).toEqual([]);
		await views.unmountFrom(identity, view, "/srv/data");
	});

	test("goes also when what it shows was mounted anew meanwhile", async () => {
		const { identity, mounts } = await scene.container();
		const remote = { ...view, origin: at("remote") };
		mkdirSync(at("remote"));
		mountFs("tmpfs", "first", at("remote"));
		const mark = await views.mountInto(identity, remote, "/data");
		unmount(at("remote"), { detach: true });
		await views.unmountFrom(identity, remote, "/data");
		expect(mounts("/data")).toHaveLength(1);
		await views.unmountFrom(identity, remote, "/data", mark);
		expect(mounts("/data")).toEqual([]);
		expect(scene.all).toEqual(atRest);
	});

	test("goes also when its part was renamed meanwhile, by whoever may write to the volume", async () => {
		const { identity, mounts } = await scene.container();
		await views.mountInto(identity, { ...view, subpath: "part" }, "/data");
		await views.publish(at("host/x"), { ...view, subpath: "below" });
		renameSync(at("origin/part"), at("origin/other"));
		await views.unmountFrom(identity, { ...view, subpath: "part" }, "/data");
		expect(mounts("/data")).toEqual([]);
		await views.unpublish(at("host/x"), { ...view, subpath: "below" }, true);
		expect(scene.all).toEqual(atRest);
	});

	test("is refused with the reason", async () => {
		const container = await scene.container();
		const { identity } = container;
		const into = (change: Partial<View>, destination = "/data", process = identity) =>
			views.mountInto(process, { ...view, ...change }, destination);
		await expect(into({ origin: at("gone") })).rejects.toMatchObject(reason("SOURCE_NOT_FOUND"));
		await expect(into({ subpath: "gone" })).rejects.toMatchObject(reason("SUBPATH_REFUSED"));
		await expect(into({ subpath: "file" }, "/usr")).rejects.toMatchObject(reason("DESTINATION_UNFIT"));
		await expect(into({}, "/proc/data")).rejects.toMatchObject(reason("DESTINATION_UNFIT"));
		const other = { ...identity, start: "another boot:1" };
		await expect(into({}, "/data", other)).rejects.toMatchObject({
			reason: "PROCESS_NOT_FOUND",
			metadata: { pid: String(container.pid) },
		});
		await views.unmountFrom(other, view, "/data");
		expect(await views.identify(2)).toBeUndefined();
		expect(existsSync(at("root/data"))).toBe(false);
		expect(scene.all).toEqual(atRest);
	});
});

test("one that is killed at any of its kill points leaves nothing that the next one does not see and take away", async () => {
	const container = await scene.container();
	const args = [at("own/mounts"), at("own"), at("origin"), at("host/x"), String(container.pid), "/srv/data"];
	const run = (point: string) =>
		spawnSync(process.execPath, [PROGRAM, ...args], {
			env: { ...process.env, WHARF_KILL_POINT: point },
			encoding: "utf8",
		});
	const points = killPoints();
	expect(points).toHaveLength(10);
	for (const point of points) {
		expect([point, run(point).signal]).toEqual([point, "SIGKILL"]);
		expect([point, run("").stderr]).toEqual([point, ""]);
		expect([point, scene.all]).toEqual([point, atRest]);
		expect([point, container.mounts("/srv")]).toEqual([point, []]);
		expect([point, readdirSync(at("host")), readdirSync(at("own/mounts"))]).toEqual([point, [], []]);
		container.sh("rmdir /srv/data /srv");
	}
});

test("without the capability to enter a namespace it is the kernel's refusal, and nothing of the mount is left", async () => {
	const container = await scene.container();
	const args = [at("own/mounts"), at("own"), at("origin"), at("host/x"), String(container.pid), "/srv/data"];
	const without = ["--bounding-set=-sys_chroot", "--inh-caps=-all", "--", process.execPath, PROGRAM, ...args];
	const { status, stderr } = spawnSync("setpriv", without, { encoding: "utf8" });
	expect([status, stderr]).toEqual([1, expect.stringContaining("KERNEL_REFUSED")]);
	expect(container.mounts("/srv")).toEqual([]);
	expect(existsSync(at("root/srv"))).toBe(false);
});

test("while directories on all ways are swapped with links, nothing but the volume is seen, nowhere else", async () => {
	const { problems, outcomes, swaps } = await race({ rounds: 300, seed: 7 });
	expect(problems).toEqual([]);
	expect(swaps).toBeGreaterThan(300);
	// It was a race: each was won and lost.
	expect(Object.keys(outcomes).sort()).toEqual([
		"mountInto: DESTINATION_UNFIT",
		"mountInto: SUBPATH_REFUSED",
		"mountInto: shown",
		"prepare: SUBPATH_REFUSED",
		"prepare: shown",
		"publish: INVALID_PATH",
		"publish: SUBPATH_REFUSED",
		"publish: shown",
	]);
});
