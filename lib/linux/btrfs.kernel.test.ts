import { execFileSync } from "node:child_process";
import {
	closeSync,
	mkdirSync,
	mkdtempSync,
	openSync,
	readFileSync,
	rmSync,
	truncateSync,
	writeFileSync,
	writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import {
	createSubvolume,
	destroySubvolume,
	enableQuota,
	holdsSubvolumes,
	isBtrfs,
	isSubvolume,
	limitSubvolume,
	snapshotSubvolume,
	subvolumeQuota,
} from "./btrfs.ts";
import { checked, isErrno } from "./libc.ts";
import { attachLoop } from "./mount/loop.ts";
import { mountFs, setPropagation, unmount } from "./mount/mount.ts";

const CLONE_NEWNS = 0x2_0000;
const MIB = 1024 * 1024;

let base: string;
const at = (name: string): string => join(base, "disk", name);
const btrfs = (...args: readonly string[]): string => execFileSync("btrfs", args, { encoding: "utf8", stdio: "pipe" });

/** The paths of the subvolumes that there are. */
const subvolumes = (): string[] =>
	btrfs("subvolume", "list", at(""))
		.split("\n")
		.filter((line) => line !== "")
		.map((line) => line.replace(/^.* path /, ""));

/** How many whole MiB can be written to the file before the kernel refuses, and with what it does. */
function fill(path: string, mostMib: number): { mib: number; refusal: unknown } {
	const fd = openSync(path, "w");
	const block = Buffer.alloc(MIB, "x");
	let mib = 0;
	try {
		for (; mib < mostMib; mib++) writeSync(fd, block);
		return { mib, refusal: undefined };
	} catch (error) {
		return { mib, refusal: isErrno(error, "EDQUOT") ? "EDQUOT" : error };
	} finally {
		closeSync(fd);
	}
}

beforeAll(() => {
	checked<[flags: number]>("int unshare(int flags)")(CLONE_NEWNS);
	setPropagation("/", "private", { recursive: true });
});

beforeEach(() => {
	base = mkdtempSync(join(tmpdir(), "wharf-btrfs-"));
	const image = join(base, "image");
	writeFileSync(image, "");
	truncateSync(image, 256 * MIB);
	execFileSync("mkfs.btrfs", ["-q", image]);
	mkdirSync(at(""));
	using device = attachLoop(image);
	mountFs("btrfs", device.path, at(""));
});

afterEach(() => {
	unmount(at(""), { detach: true });
	rmSync(base, { recursive: true });
});

test("what is on btrfs, and what is a subvolume there", () => {
	mkdirSync(at("plain"));
	createSubvolume(at("one"));
	expect([isBtrfs(at("")), isBtrfs(base)]).toEqual([true, false]);
	expect([isSubvolume(at("one")), isSubvolume(at("plain")), isSubvolume(at("nowhere")), isSubvolume(base)]).toEqual([
		true,
		false,
		false,
		false,
	]);
	expect(subvolumes()).toEqual(["one"]);
	expect(() => createSubvolume(at("one"))).toThrow(expect.objectContaining({ code: "EEXIST" }));
	expect(() => createSubvolume(join(base, "x"))).toThrow(expect.objectContaining({ code: "ENOTTY" }));
});

test("a subvolume goes with everything in it, other subvolumes too", () => {
	createSubvolume(at("one"));
	mkdirSync(at("one/deep/er"), { recursive: true });
	for (const name of ["deep/er/two", "three", "deep/er/two/four"]) btrfs("subvolume", "create", at(`one/${name}`));
	btrfs("subvolume", "snapshot", "-r", at("one/three"), at("one/three/kept"));
	writeFileSync(at("one/deep/er/two/four/file"), "1");
	createSubvolume(at("other"));
	destroySubvolume(at("one"));
	destroySubvolume(at("one"));
	expect(subvolumes()).toEqual(["other"]);
});

test("a snapshot is what the subvolume was, cannot be written to, and has nothing of subvolumes in it", () => {
	createSubvolume(at("one"));
	writeFileSync(at("one/file"), "before");
	mkdirSync(at("kept"));
	snapshotSubvolume(at("one"), at("kept/one"));
	writeFileSync(at("one/file"), "after");
	expect(readFileSync(at("kept/one/file"), "utf8")).toBe("before");
	expect(() => writeFileSync(at("kept/one/file"), "x")).toThrow(expect.objectContaining({ code: "EROFS" }));
	expect(() => snapshotSubvolume(at("one"), at("kept/one"))).toThrow(expect.objectContaining({ code: "EEXIST" }));
	expect(() => snapshotSubvolume(at("one"), join(base, "one"))).toThrow(expect.objectContaining({ code: "ENOTTY" }));
	expect([at("one"), at("")].map(holdsSubvolumes)).toEqual([false, true]);
	destroySubvolume(at("kept/one"));
	expect(subvolumes()).toEqual(["one"]);
});

test("a bound is enforced, can be changed, and is what btrfs says", () => {
	expect(subvolumeQuota(at(""))).toBeUndefined();
	enableQuota(at(""));
	enableQuota(at(""));
	createSubvolume(at("one"));
	expect(subvolumeQuota(at("one"))?.limitBytes).toBeUndefined();
	limitSubvolume(at("one"), 24 * MIB);
	expect(subvolumeQuota(at("one"))?.limitBytes).toBe(24 * MIB);
	expect(btrfs("qgroup", "show", "-r", "--raw", at("one"))).toContain(String(24 * MIB));
	const { mib, refusal } = fill(at("one/big"), 100);
	expect(refusal).toBe("EDQUOT");
	expect(mib).toBeLessThanOrEqual(24);
	expect(mib).toBeGreaterThan(16);
	expect(fill(at("beside"), 40)).toEqual({ mib: 40, refusal: undefined });
	limitSubvolume(at("one"), 48 * MIB);
	expect(fill(at("one/big2"), 20)).toEqual({ mib: 20, refusal: undefined });
});

test("quotas that somebody has enabled otherwise stay as they are, and bound as well", () => {
	btrfs("quota", "enable", at(""));
	enableQuota(at(""));
	createSubvolume(at("one"));
	limitSubvolume(at("one"), 20 * MIB);
	expect(fill(at("one/big"), 100).refusal).toBe("EDQUOT");
	execFileSync("sync", ["-f", at("")]);
	expect(subvolumeQuota(at("one"))?.usedBytes).toBeGreaterThan(10 * MIB);
	btrfs("quota", "disable", at(""));
	expect(subvolumeQuota(at("one"))).toBeUndefined();
	expect(() => limitSubvolume(at("one"), MIB)).toThrow(expect.objectContaining({ code: "ENOTCONN" }));
});
