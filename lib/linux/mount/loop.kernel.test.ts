import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checked } from "../libc.ts";
import { attachLoop, findLoop } from "./loop.ts";
import { mountFs, setPropagation, unmount } from "./mount.ts";

const CLONE_NEWNS = 0x2_0000;

let base: string;
const at = (name: string): string => join(base, name);

interface Seen {
	name: string;
	autoclear: boolean;
	"back-file": string;
}

/** What losetup knows of devices of our files. */
function seen(): Seen[] {
	const output = execFileSync("losetup", ["-J", "-l", "-O", "NAME,AUTOCLEAR,BACK-FILE"], { encoding: "utf8" });
	const devices: Seen[] = output === "" ? [] : JSON.parse(output).loopdevices;
	return devices.filter((device) => device["back-file"].startsWith(base));
}

function image(name: string): string {
	writeFileSync(at(name), "");
	truncateSync(at(name), 32 * 1024 * 1024);
	execFileSync("mkfs.ext4", ["-q", "-F", at(name)]);
	return at(name);
}

/** TypeScript that has the module as `loop`, as arguments of node. */
function script(text: string): string[] {
	const source = `const loop = await import(${JSON.stringify(join(import.meta.dirname, "loop.ts"))}); ${text}`;
	return ["--input-type=module", "-e", source];
}

beforeAll(() => {
	checked<[flags: number]>("int unshare(int flags)")(CLONE_NEWNS);
	setPropagation("/", "private", { recursive: true });
	base = mkdtempSync(join(tmpdir(), "wharf-loop-"));
	mkdirSync(at("mounted"));
});

afterAll(() => {
	unmount(at("mounted"), { detach: true });
	rmSync(base, { recursive: true });
});

test("a file is a device as long as somebody has it open", async () => {
	const file = image("one");
	const device = attachLoop(file);
	expect(seen()).toEqual([{ name: device.path, autoclear: true, "back-file": file }]);
	device[Symbol.dispose]();
	await expect.poll(seen).toEqual([]);
	expect(findLoop(file)).toBeUndefined();
});

test("its mount keeps it, and ends it", async () => {
	const file = image("two");
	{
		using device = attachLoop(file);
		mountFs("ext4", device.path, at("mounted"));
	}
	expect(seen()).toHaveLength(1);
	writeFileSync(at("mounted/content"), "1");
	unmount(at("mounted"));
	await expect.poll(seen).toEqual([]);
	expect(execFileSync("debugfs", ["-R", "cat content", file], { encoding: "utf8", stdio: "pipe" })).toBe("1");
});

test("a file that is a device is the same device the next time, whatever it is called by then", async () => {
	const file = image("three");
	using first = attachLoop(file);
	renameSync(file, at("renamed"));
	image("three");
	using second = attachLoop(at("renamed"));
	using other = attachLoop(file);
	expect(second.path).toBe(first.path);
	expect(other.path).not.toBe(first.path);
	expect(seen()).toHaveLength(2);
});

test("a file that is not there has none, and leaves none", async () => {
	expect(() => attachLoop(at("nowhere"))).toThrow(expect.objectContaining({ code: "ENOENT" }));
	expect(() => attachLoop(at("mounted"))).toThrow(expect.objectContaining({ code: "EISDIR" }));
	writeFileSync(at("empty"), "");
	attachLoop(at("empty"))[Symbol.dispose]();
	await expect.poll(seen).toEqual([]);
});

test("a process that is killed leaves no device", async () => {
	const file = JSON.stringify(image("four"));
	const killed = script(`loop.attachLoop(${file}); process.kill(process.pid, "SIGKILL");`);
	const { signal } = spawnSync(process.execPath, killed, { encoding: "utf8" });
	expect(signal).toBe("SIGKILL");
	await expect.poll(seen).toEqual([]);
});

test("a number that somebody else takes in between is not given twice", async () => {
	const files = Array.from({ length: 12 }, (_, index) => image(`many${index}`));
	// They begin at one time, and keep what they have until their standard input ends.
	const takers = [files.slice(0, 6), files.slice(6)].map((some) => {
		const take = `${JSON.stringify(some)}.map((file) => loop.attachLoop(file).path)`;
		const text = `process.stdout.write(JSON.stringify(${take}) + "\\n"); process.stdin.resume();`;
		return spawn(process.execPath, script(text), { stdio: ["pipe", "pipe", "inherit"] });
	});
	const taken = await Promise.all(
		takers.map(async (taker): Promise<string[]> => JSON.parse(String((await once(taker.stdout, "data"))[0]))),
	);
	expect(new Set(taken.flat()).size).toBe(12);
	expect(seen()).toHaveLength(12);
	for (const taker of takers) taker.stdin.end();
	await Promise.all(takers.map((taker) => once(taker, "exit")));
	await expect.poll(seen).toEqual([]);
});

test("a /dev without the node of the device gets it", async () => {
	const file = JSON.stringify(image("five"));
	const nodes = "mknod /dev/null c 1 3 && mknod /dev/urandom c 1 9 && mknod /dev/loop-control c 10 237";
	const shell = ["-m", "sh", "-c", `mount -t tmpfs dev /dev && ${nodes} && exec "$@"`, "sh", process.execPath];
	const attach = script(`const device = loop.attachLoop(${file});
		console.log(device.path, loop.findLoop(${file})?.path, (await import("node:fs")).statSync(device.path).isBlockDevice());`);
	const { stdout, stderr } = spawnSync("unshare", [...shell, ...attach], { encoding: "utf8" });
	expect(stderr).toBe("");
	expect(stdout).toMatch(/^(\/dev\/loop\d+) \1 true\n$/);
	await expect.poll(seen).toEqual([]);
});
