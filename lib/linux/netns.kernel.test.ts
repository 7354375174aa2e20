import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createNetns, inNetns, isNetns, netnsId, openNetns, removeNetns } from "./netns.ts";
import { inOwnNetns } from "./test-support/netns-process.ts";
import { ScratchNetns } from "./test-support/scratch-netns.ts";

const OWN = "/proc/thread-self/ns/net";

let scratch: ScratchNetns;
let home: string;

beforeEach(() => {
	scratch = new ScratchNetns();
	home = readlinkSync(OWN);
});

afterEach(() => {
	scratch[Symbol.dispose]();
	if (readlinkSync(OWN) !== home) throw new Error("the test ended in another namespace");
});

test("a namespace is made, is empty, is another one, and goes", () => {
	const path = scratch.create("a");
	const outside = execFileSync("nsenter", [`--net=${path}`, "readlink", "/proc/self/ns/net"], { encoding: "utf8" });
	expect(outside.trim()).not.toBe(home);
	expect(outside).toContain(String(statSync(path).ino));
	const links: { ifname: string; flags: string[] }[] = JSON.parse(
		execFileSync("nsenter", [`--net=${path}`, "ip", "-j", "link"], { encoding: "utf8" }),
	);
	expect(links.map((link) => [link.ifname, link.flags.includes("UP")])).toEqual([["lo", false]]);
	removeNetns(path);
	expect(existsSync(path)).toBe(false);
	expect(execFileSync("cat", ["/proc/self/mountinfo"], { encoding: "utf8" })).not.toContain(path);
	removeNetns(path);
});

test("a path that is taken is left as it is", () => {
	const path = scratch.create("taken");
	const before = statSync(path).ino;
	expect(() => createNetns(path)).toThrow(expect.objectContaining({ code: "EEXIST" }));
	expect(statSync(path).ino).toBe(before);
});

test("a file on which nothing was mounted yet is removed as well", () => {
	const path = scratch.create("a").replace(/a$/, "empty");
	writeFileSync(path, "");
	removeNetns(path);
	expect(existsSync(path)).toBe(false);
});

test("the thread is inside during the body, also by pid and nested, and outside again after a throw", () => {
	const [a, b] = [scratch.create("a"), scratch.create("b")];
	const inode = (path: string): string => `net:[${statSync(path).ino}]`;
	const seen = inNetns(a, () => [inNetns(b, () => readlinkSync(OWN)), readlinkSync(OWN)] as const);
	expect(seen).toEqual([inode(b), inode(a)]);
	expect(inNetns(`/proc/${process.pid}/ns/net`, () => readlinkSync(OWN))).toBe(home);
	expect(() =>
		inNetns(a, () => {
			throw new Error("inside");
		}),
	).toThrow("inside");
	expect(readlinkSync(OWN)).toBe(home);
});

test("an asynchronous body is refused", () => {
	const path = scratch.create("a");
	// @ts-expect-error -- the types refuse it too
	expect(() => inNetns(path, async () => 1)).toThrow(TypeError);
});

test("a process that cannot return does not go on", () => {
	const path = scratch.create("a");
	const program = `
		import { closeSync, readdirSync, readlinkSync } from "node:fs";
		import { inNetns } from ${JSON.stringify(new URL("./netns.ts", import.meta.url).href)};
		const pointsAt = (fd) => { try { return readlinkSync("/proc/self/fd/" + fd); } catch { return ""; } };
		inNetns(${JSON.stringify(path)}, () => {
			for (const fd of readdirSync("/proc/self/fd")) if (pointsAt(fd).startsWith("net:")) closeSync(Number(fd));
		});
		console.log("went on");`;
	const child = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
	expect(child).toMatchObject({ signal: "SIGKILL", stdout: "" });
	expect(child.stderr).toContain("cannot return to the own network namespace: LinuxError: setns");
});

test("what is no namespace is told apart and cannot be entered", () => {
	expect(isNetns(scratch.create("a"))).toBe(true);
	expect(isNetns(OWN)).toBe(true);
	expect(isNetns("/proc/self/status")).toBe(false);
	expect(isNetns("/nonexistent/file")).toBe(false);
	expect(() => inNetns("/proc/self/status", () => 1)).toThrow(
		expect.objectContaining({ code: "EINVAL", call: "setns /proc/self/status" }),
	);
	expect(() => inNetns("/nonexistent/file", () => 1)).toThrow(expect.objectContaining({ code: "ENOENT" }));
});

test("a namespace that was opened is the same one after its process has ended, and is pinned", async () => {
	const process = await inOwnNetns();
	using opened = openNetns(process.path);
	if (opened === undefined) throw new Error("nothing was opened");
	const id = netnsId(process.path);
	await process.end();
	expect(openNetns(process.path)).toBeUndefined();
	const path = scratch.create("a").replace(/a$/, "held");
	opened.pin(path);
	expect(() => opened.pin(path)).toThrow(expect.objectContaining({ code: "EEXIST" }));
	expect([netnsId(path), opened.id]).toEqual([id, id]);
	const inside = execFileSync("nsenter", [`--net=${path}`, "readlink", "/proc/self/ns/net"], { encoding: "utf8" });
	expect(inside).toContain(id.split(":")[1]);
	removeNetns(path);
});

test("what is no network namespace is not opened, and a pipe is not waited for", () => {
	const pipe = scratch.create("a").replace(/a$/, "pipe");
	execFileSync("mkfifo", [pipe]);
	const paths = [pipe, "/", "/etc/passwd", "/proc/self/ns/mnt", "/nowhere", "/etc/passwd/x", "a\0b", ""];
	expect(paths.filter((path) => openNetns(path) !== undefined)).toEqual([]);
});
