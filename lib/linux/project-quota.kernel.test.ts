import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checked } from "./libc.ts";
import { attachLoop } from "./mount/loop.ts";
import { mountFs, setPropagation, unmount } from "./mount/mount.ts";
import { enforcesProjects, limitProject, projectOf, projectQuota, setProject } from "./project-quota.ts";

const CLONE_NEWNS = 0x2_0000;

let base: string;
const at = (name: string): string => join(base, name);

beforeAll(() => {
	checked<[flags: number]>("int unshare(int flags)")(CLONE_NEWNS);
	setPropagation("/", "private", { recursive: true });
	base = mkdtempSync(join(tmpdir(), "wharf-project-"));
	for (const name of ["ext4", "tmpfs"]) mkdirSync(at(name));
	mountFs("tmpfs", "tmpfs", at("tmpfs"));
	writeFileSync(at("image"), "");
	truncateSync(at("image"), 32 * 1024 * 1024);
	mkdirSync(at("tree/volume"), { recursive: true });
	execFileSync("mkfs.ext4", ["-q", "-F", "-I", "256", "-O", "project", "-d", at("tree"), at("image")]);
	execFileSync("debugfs", ["-w", "-R", "set_inode_field /volume projid 4000000000", at("image")], { stdio: "pipe" });
	using device = attachLoop(at("image"));
	// Not every kernel writes to a file system that has projects.
	mountFs("ext4", device.path, at("ext4"), ["ro"]);
});

afterAll(() => {
	for (const name of ["ext4", "tmpfs"]) unmount(at(name), { detach: true });
	rmSync(base, { recursive: true });
});

test("a file system without quotas of projects enforces none and knows no bounds", () => {
	for (const path of [at("ext4"), at("tmpfs"), base, "/proc"]) {
		expect(enforcesProjects(path)).toBe(false);
		expect(projectQuota(path, 7)).toBeUndefined();
	}
	expect(() => limitProject(at("tmpfs"), 7, 1024)).toThrow(expect.objectContaining({ name: "LinuxError" }));
});

test("the project of a directory is what the file system has", () => {
	expect([projectOf(at("ext4/volume")), projectOf(at("ext4"))]).toEqual([4_000_000_000, 0]);
	expect(execFileSync("lsattr", ["-pd", at("ext4/volume")], { encoding: "utf8" })).toMatch(/^4000000000 /);
	expect(() => setProject(at("ext4/volume"), 7)).toThrow(expect.objectContaining({ code: "EROFS" }));
});

test("a file system without projects says so", () => {
	expect(projectOf("/proc")).toBe(0);
	expect(() => setProject(at("tmpfs"), 7)).toThrow(expect.objectContaining({ name: "LinuxError" }));
});
