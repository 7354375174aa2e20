import { execFileSync } from "node:child_process";
import {
	closeSync,
	mkdirSync,
	mkdtempSync,
	openSync,
	readFileSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checked } from "../libc.ts";
import { mountsOf } from "../test-support/mounts-of.ts";
import { exchange, renameNew, syncDirectory, syncFileSystem } from "./directory.ts";
import { findMount, mountNumbered, mountTree } from "./mountinfo.ts";
import { bindMount, mountFs, mountOverlay, setPropagation, unmount } from "./mount.ts";
import { openBeneath, openInRoot } from "./open-beneath.ts";
import { DetachedTree, setTreeAttributes } from "./tree.ts";

const CLONE_NEWNS = 0x2_0000;

/** What findmnt says of the uppermost mount at `target`. */
function seen(target: string): {
	target: string;
	source: string;
	fstype: string;
	options: string;
	propagation: string;
} {
	const output = execFileSync(
		"findmnt",
		["-J", "--list", "-o", "TARGET,SOURCE,FSTYPE,VFS-OPTIONS,PROPAGATION", "--mountpoint", target],
		{ encoding: "utf8" },
	);
	const { filesystems } = JSON.parse(output.replaceAll('"vfs-options"', '"options"'));
	return filesystems.at(-1);
}

function refusesWrites(directory: string): boolean {
	try {
		execFileSync("touch", ["--", join(directory, "x")], { stdio: "pipe" });
		return false;
	} catch (error) {
		return String(error).includes("Read-only file system");
	}
}

let base: string;
const at = (name: string): string => join(base, name);

beforeAll(() => {
	// The whole process moves: this file has a process of its own, and its children see what it sees.
	checked<[flags: number]>("int unshare(int flags)")(CLONE_NEWNS);
	setPropagation("/", "private", { recursive: true });
	base = mkdtempSync(join(tmpdir(), "wharf-mount-"));
	mountFs("tmpfs", "scratch disk", base, ["nosuid", "size=16m", "mode=0700"]);
});

afterAll(() => {
	unmount(base, { detach: true });
	rmSync(base, { recursive: true });
});

describe("mounts", () => {
	test("a file system with flags and options of its own", () => {
		expect(seen(base)).toMatchObject({ source: "scratch disk", fstype: "tmpfs" });
		expect(seen(base).options).toContain("nosuid");
		expect(statSync(base).mode & 0o777).toBe(0o700);
		expect(findMount(base)).toMatchObject({ type: "tmpfs", source: "scratch disk", target: base });
	});

	test("a bind shows a directory or a file elsewhere, at names that mountinfo escapes", () => {
		mkdirSync(at("from"));
		mkdirSync(at("to here\\#\t"));
		writeFileSync(at("from/file"), "1");
		bindMount(at("from"), at("to here\\#\t"));
		expect(execFileSync("cat", [at("to here\\#\t/file")], { encoding: "utf8" })).toBe("1");
		expect(findMount(at("to here\\#\t"))?.root).toBe("/from");
		writeFileSync(at("target"), "");
		bindMount(at("from/file"), at("target"));
		expect(readFileSync(at("target"), "utf8")).toBe("1");
		unmount(at("target"));
		unmount(at("target"));
		expect(readFileSync(at("target"), "utf8")).toBe("");
		unmount(at("to here\\#\t"));
	});

	test("what is absent or not mounted is unmounted; what is busy is an error, or detached", () => {
		unmount(at("nothing"));
		mkdirSync(at("busy"));
		unmount(at("busy"));
		mountFs("tmpfs", "busy", at("busy"));
		writeFileSync(at("busy/held"), "");
		const held = openSync(at("busy/held"), "r");
		expect(() => unmount(at("busy"))).toThrow(expect.objectContaining({ code: "EBUSY" }));
		unmount(at("busy"), { detach: true });
		closeSync(held);
		expect(findMount(at("busy"))).toBeUndefined();
	});

	test("an overlay whose paths have commas and colons", () => {
		for (const name of ["low:1", "low,2", "up,", "work", "over"]) mkdirSync(at(name));
		writeFileSync(at("low:1/a"), "1");
		writeFileSync(at("low,2/a"), "2");
		writeFileSync(at("low,2/b"), "2");
		mountOverlay(at("over"), { lower: [at("low:1"), at("low,2")], upper: { path: at("up,"), work: at("work") } });
		expect(execFileSync("cat", [at("over/a"), at("over/b")], { encoding: "utf8" })).toBe("12");
		writeFileSync(at("over/c"), "3");
		expect(readFileSync(at("up,/c"), "utf8")).toBe("3");
		unmount(at("over"));
	});
});

test("a mount is found by its number, with those below it, in whatever order they came", () => {
	for (const name of ["first", "second"]) mkdirSync(at(name));
	mountFs("tmpfs", "first", at("first"));
	mountFs("tmpfs", "second", at("second"));
	mkdirSync(at("second/below"));
	execFileSync("mount", ["--move", at("first"), at("second/below")]);
	const id = findMount(at("second"))?.id ?? 0;
	expect(mountNumbered(id)).toEqual(findMount(at("second")));
	expect(mountTree(id)).toEqual([findMount(at("second")), findMount(at("second/below"))]);
	expect(mountTree(id, process.pid)).toEqual(mountTree(id));
	expect([unmount(at("second/below")), unmount(at("second/below"))]).toEqual([true, false]);
	expect(unmount(at("second"))).toBe(true);
	expect([mountNumbered(id), mountTree(id)]).toEqual([undefined, []]);
});

describe("trees", () => {
	test("are read only all the way down from their first moment; the source stays writable", () => {
		for (const name of ["tree", "tree/sub", "shown"]) mkdirSync(at(name));
		mountFs("tmpfs", "sub", at("tree/sub"));
		using tree = DetachedTree.clone(at("tree"), { recursive: true });
		tree.set({ readOnly: true, nodev: true, recursive: true });
		tree.attach(at("shown"));
		expect([refusesWrites(at("shown")), refusesWrites(at("shown/sub"))]).toEqual([true, true]);
		expect(seen(at("shown/sub")).options.split(",")).toEqual(expect.arrayContaining(["ro", "nodev"]));
		expect([refusesWrites(at("tree")), refusesWrites(at("tree/sub"))]).toEqual([false, false]);
		unmount(at("shown"), { detach: true });
	});

	test("that are never attached leave nothing", () => {
		const before = mountsOf(at(""));
		DetachedTree.clone(at("tree"))[Symbol.dispose]();
		expect(mountsOf(at(""))).toEqual(before);
	});

	test("go onto a descriptor, whatever the path means by then", () => {
		mkdirSync(at("slot"));
		const slot = openSync(at("slot"), "r");
		execFileSync("mv", ["--", at("slot"), at("moved")]);
		symlinkSync("/etc", at("slot"));
		using tree = DetachedTree.clone(at("from"));
		tree.attach(slot);
		closeSync(slot);
		expect(readFileSync(at("moved/file"), "utf8")).toBe("1");
		expect(findMount("/etc")).toBeUndefined();
		unmount(at("moved"), { detach: true });
	});

	test("a symlink as the source is not followed", () => {
		symlinkSync("/etc", at("link"));
		using tree = DetachedTree.clone(at("link"));
		expect(() => tree.attach(at("moved"))).toThrow(expect.objectContaining({ code: "EINVAL" }));
	});

	test("propagation is the kernel's", () => {
		mkdirSync(at("shared"));
		mountFs("tmpfs", "shared", at("shared"));
		setPropagation(at("shared"), "shared");
		expect(seen(at("shared")).propagation).toBe("shared");
		expect(findMount(at("shared"))?.propagation[0]).toMatch(/^shared:\d+$/);
		setTreeAttributes(at("shared"), { propagation: "private", recursive: true });
		expect(seen(at("shared")).propagation).toBe("private");
		unmount(at("shared"));
	});
});

describe("paths below a directory that is not trusted", () => {
	let jail: number;
	beforeAll(() => {
		mkdirSync(at("root/etc/deep"), { recursive: true });
		writeFileSync(at("root/etc/passwd"), "inside");
		symlinkSync("/etc", at("root/absolute"));
		symlinkSync("../../../../etc", at("root/climbing"));
		symlinkSync("etc", at("root/plain"));
		symlinkSync("/proc/self/root", at("root/magic"));
		jail = openSync(at("root"), "r");
	});
	afterAll(() => closeSync(jail));

	const read = (fd: number): string => {
		const text = readFileSync(`/proc/self/fd/${fd}`, "utf8");
		closeSync(fd);
		return text;
	};

	test("beneath: no symlink, no way up", () => {
		expect(read(openBeneath(jail, "etc/passwd"))).toBe("inside");
		expect(read(openBeneath(jail, "etc/deep/../passwd"))).toBe("inside");
		for (const path of ["..", "../x", "/etc/passwd", "etc/../../etc/passwd"]) {
			expect(() => openBeneath(jail, path)).toThrow(expect.objectContaining({ code: "EXDEV" }));
		}
		for (const path of ["absolute/passwd", "climbing/passwd", "plain/passwd", "magic/etc/passwd"]) {
			expect(() => openBeneath(jail, path)).toThrow(expect.objectContaining({ code: "ELOOP" }));
		}
	});

	test("in root: symlinks and dots end inside", () => {
		for (const path of ["/etc/passwd", "absolute/passwd", "climbing/passwd", "plain/passwd", "../../etc/passwd"]) {
			expect(read(openInRoot(jail, path))).toBe("inside");
		}
		expect(() => openInRoot(jail, "etc/shadow")).toThrow(expect.objectContaining({ code: "ENOENT" }));
	});
});

test("directories change places, and a name that is taken stays", async () => {
	mkdirSync(at("x"));
	mkdirSync(at("y"));
	const [x, y] = [statSync(at("x")).ino, statSync(at("y")).ino];
	exchange(at("x"), at("y"));
	expect([statSync(at("x")).ino, statSync(at("y")).ino]).toEqual([y, x]);
	expect(() => exchange(at("x"), at("z"))).toThrow(expect.objectContaining({ code: "ENOENT" }));
	expect(() => renameNew(at("x"), at("y"))).toThrow(expect.objectContaining({ code: "EEXIST" }));
	renameNew(at("x"), at("z"));
	expect(statSync(at("z")).ino).toBe(y);
	await syncDirectory(base);
	await syncFileSystem(base);
	await expect(syncFileSystem(at("nowhere"))).rejects.toMatchObject({ code: "ENOENT" });
});
