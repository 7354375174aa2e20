import { execFileSync, spawnSync } from "node:child_process";
import {
	closeSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	openSync,
	readdirSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { mountsOf } from "../test-support/mounts-of.ts";
import { type Jail, type JailBind, Jailer, jailed } from "./jail.ts";

let folder: string;
let jailer: Jailer;
beforeAll(() => {
	jailer = new Jailer();
});
afterAll(() => jailer[Symbol.asyncDispose]());
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "wharf-jail-"));
	mkdirSync(join(folder, "data"));
	writeFileSync(join(folder, "data/file"), "content");
});
afterEach(() => rmSync(folder, { recursive: true }));

const bind = (writable: boolean): JailBind => ({ source: join(folder, "data"), name: "data", writable });

function inside(jail: Jail, file: string, args: readonly string[], capabilities: readonly string[] = []) {
	const command = jailed(file, args, capabilities);
	return spawnSync(command.file, command.args, { stdio: ["ignore", "pipe", "pipe", jail.fd], encoding: "utf8" });
}

test("costs no thread before the first jail", async () => {
	const threads = (): number => readdirSync("/proc/self/task").length;
	const before = threads();
	await using unused = new Jailer();
	expect(threads()).toBe(before);
	using _ = await unused.create([bind(false)]);
	expect(threads()).toBeGreaterThan(before);
});

test("holds the system's programs and what is given, and nothing else", async () => {
	using jail = await jailer.create([bind(false)]);
	const { stdout } = inside(jail, "ls", ["-A", "/"]);
	const names = stdout.trim().split("\n");
	expect(names).toContain("data");
	expect(names.filter((name) => !["data", "usr", "bin", "sbin", "lib", "lib64"].includes(name))).toEqual([]);
	expect(inside(jail, "cat", ["/data/file"]).stdout).toBe("content");
	expect(inside(jail, "touch", ["/data/x"]).stderr).toContain("Read-only file system");
	expect(inside(jail, "touch", ["/usr/x"]).stderr).toContain("Read-only file system");
	expect(inside(jail, "touch", ["/x"]).stderr).toContain("Read-only file system");
	expect(inside(jail, "pwd", []).stdout).toBe("/\n");
});

test("writes go where they are meant to, and links out of it lead nowhere", async () => {
	symlinkSync(folder, join(folder, "data/out"));
	using jail = await jailer.create([bind(true)]);
	expect(inside(jail, "touch", ["/data/made"]).status).toBe(0);
	expect(inside(jail, "touch", ["/data/out/escaped"]).status).not.toBe(0);
	expect(readdirSync(join(folder, "data")).sort()).toEqual(["file", "made", "out"]);
	expect(readdirSync(folder)).toEqual(["data"]);
});

test("a program has the capabilities that are named and no others", async () => {
	using jail = await jailer.create([bind(true)]);
	expect(inside(jail, "mknod", ["/data/device", "c", "1", "3"], ["chown"]).status).not.toBe(0);
	expect(inside(jail, "chown", ["7:8", "/data/file"], []).status).not.toBe(0);
	expect(inside(jail, "chown", ["7:8", "/data/file"], ["chown"]).status).toBe(0);
	expect(execFileSync("stat", ["-c", "%u:%g", join(folder, "data/file")], { encoding: "utf8" })).toBe("7:8\n");
	expect(existsSync(join(folder, "data/device"))).toBe(false);
});

test("is seen nowhere else and ends with its descriptor", async () => {
	(await jailer.create([bind(false)]))[Symbol.dispose]();
	const before = readdirSync("/proc/self/fd").length;
	const jail = await jailer.create([bind(true)]);
	expect(mountsOf(folder)).toEqual([]);
	expect(readdirSync("/proc/self/fd").length).toBe(before + 1);
	jail[Symbol.dispose]();
	jail[Symbol.dispose]();
	expect(readdirSync("/proc/self/fd").length).toBe(before);
});

test("takes a descriptor, and says which source is missing", async () => {
	const fd = openSync(join(folder, "data"), "r");
	using jail = await jailer.create([{ source: fd, name: "image", writable: false }]);
	closeSync(fd);
	expect(inside(jail, "cat", ["/image/file"]).stdout).toBe("content");
	const before = readdirSync("/proc/self/fd").length;
	await expect(jailer.create([{ source: join(folder, "gone"), name: "x", writable: false }])).rejects.toMatchObject({
		code: "ENOENT",
		call: expect.stringContaining("gone") as string,
	});
	expect(readdirSync("/proc/self/fd").length).toBe(before);
});
