import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { freeze, observeFreezer, thaw } from "./freezer.ts";
import { checked } from "./libc.ts";
import { attachLoop } from "./mount/loop.ts";
import { mountFs, setPropagation, unmount } from "./mount/mount.ts";
import { layouts, ScratchCgroup } from "./test-support/scratch-cgroup.ts";

const BOUND_MS = 10_000;
const CLONE_NEWNS = 0x2_0000;

describe.each(layouts().map((hierarchies) => [hierarchies.join(" and "), hierarchies] as const))(
	"on %s",
	(name, on) => {
		const scratch = () => new ScratchCgroup(`freezer-${name.replaceAll(" ", "")}`, on);

		test("a process stops counting while it is frozen, and goes on afterwards", async () => {
			await using group = scratch();
			const counters = [await group.counter(), await group.counter()];
			expect(await observeFreezer(group.path)).toBe("thawed");
			for (let round = 0; round < 3; round++) {
				expect(await freeze(group.path, BOUND_MS)).toBe("thawed");
				expect(await Promise.all(counters.map((counter) => counter.stands()))).toEqual([true, true]);
				expect(await observeFreezer(group.path)).toBe("frozen");
				expect(group.frozenIn()).toHaveLength(1);
				await thaw(group.path);
				await thaw(group.path);
				expect(group.frozenIn()).toEqual([]);
				expect(await Promise.all(counters.map((counter) => counter.goesOn()))).toEqual([true, true]);
			}
		});

		test("one that somebody has frozen is told, and stays so until it is thawed", async () => {
			await using group = scratch();
			const counter = await group.counter();
			group.set("frozen");
			expect(await observeFreezer(group.path)).toBe("frozen");
			expect(await freeze(group.path, BOUND_MS)).toBe("frozen");
			expect(await counter.stands()).toBe(true);
			expect(group.frozenIn()).toHaveLength(1);
			await thaw(group.path);
			expect(await counter.goesOn()).toBe(true);
		});

		test("one whose processes are below it, one without any, and one that is absent", async () => {
			await using group = scratch();
			expect(await freeze(group.path, BOUND_MS)).toBe("thawed");
			await thaw(group.path);
			const inner = group.inner("inner");
			const counter = await inner.counter();
			expect(await freeze(group.path, BOUND_MS)).toBe("thawed");
			expect(await counter.stands()).toBe(true);
			expect(await observeFreezer(inner.path)).toBe("thawed");
			await thaw(group.path);
			expect(await counter.goesOn()).toBe(true);
			await group.end();
			expect(await freeze(group.path, BOUND_MS)).toBe("absent");
			expect(await observeFreezer(group.path)).toBe("absent");
			await thaw(group.path);
		});

		test("one that is given up is thawed again, unless somebody else has frozen it", async () => {
			await using group = scratch();
			const counter = await group.counter();
			const aborted = AbortSignal.abort(new Error("not wanted any more"));
			await expect(freeze(group.path, BOUND_MS, aborted)).rejects.toThrow("not wanted any more");
			expect(group.frozenIn()).toEqual([]);
			expect(await counter.goesOn()).toBe(true);
			group.set("frozen");
			await expect(freeze(group.path, BOUND_MS, aborted)).rejects.toThrow("not wanted any more");
			expect(group.frozenIn()).toHaveLength(1);
		});

		test("nobody stops himself", async () => {
			await using group = scratch();
			const source = `const { freeze } = await import(${JSON.stringify(join(import.meta.dirname, "freezer.ts"))});
			await freeze(${JSON.stringify(group.path)}, 1000).then(console.log, ({ code }) => console.log(code));`;
			const child = group.spawn(process.execPath, "--input-type=module", "-e", source);
			const [said] = await once(child.stdout ?? child, "data");
			expect(String(said).trim()).toBe("EDEADLK");
			expect(group.frozenIn()).toEqual([]);
		});
	},
);

test.each(layouts().filter((on) => on.length > 1))(
	"of %s and %s: processes in the latter alone are stopped there",
	async (...on) => {
		await using group = new ScratchCgroup("alone", on);
		const counter = await group.counter(["v2"]);
		expect(await freeze(group.path, BOUND_MS)).toBe("thawed");
		expect(await counter.stands()).toBe(true);
		expect(group.frozenIn()).toEqual(["v2"]);
		await thaw(group.path);
		expect(await counter.goesOn()).toBe(true);
	},
);

test.each(["", "wharf", "../wharf", "/wharf/../x", "/wharf/x\0y", "/.."])("%j is no group", async (path) => {
	await expect(observeFreezer(path)).rejects.toThrow(RangeError);
	await expect(freeze(path, BOUND_MS)).rejects.toThrow(RangeError);
	await expect(thaw(path)).rejects.toThrow(RangeError);
});

test("the uppermost group cannot be frozen", async () => {
	await expect(freeze("/", BOUND_MS)).rejects.toMatchObject({ code: "EOPNOTSUPP" });
	await expect(freeze("/./", BOUND_MS)).rejects.toMatchObject({ code: "EOPNOTSUPP" });
});

test("v2: a process that waits in the kernel keeps its group from freezing; it is thawed again", async () => {
	checked<[flags: number]>("int unshare(int flags)")(CLONE_NEWNS);
	setPropagation("/", "private", { recursive: true });
	const base = mkdtempSync(join(tmpdir(), "wharf-freezer-"));
	const at = (name: string): string => join(base, name);
	writeFileSync(at("disk"), "");
	truncateSync(at("disk"), 32 * 1024 * 1024);
	execFileSync("mkfs.ext4", ["-q", "-F", at("disk")]);
	mkdirSync(at("mounted"));
	{
		using device = attachLoop(at("disk"));
		mountFs("ext4", device.path, at("mounted"));
	}
	execFileSync("fsfreeze", ["--freeze", at("mounted")]);
	const group = new ScratchCgroup("stuck", ["v2"]);
	try {
		const counter = await group.counter();
		const writer = group.spawn("sh", "-c", 'echo; echo >"$0"', at("mounted/file"));
		await once(writer.stdout ?? writer, "data");
		await expect.poll(() => stateOf(writer.pid)).toBe("D");
		await expect(freeze(group.path, 300)).rejects.toMatchObject({ code: "ETIMEDOUT" });
		expect(group.frozenIn()).toEqual([]);
		expect(await counter.goesOn()).toBe(true);
	} finally {
		execFileSync("fsfreeze", ["--unfreeze", at("mounted")]);
		await group[Symbol.asyncDispose]();
		unmount(at("mounted"));
		rmdirSync(at("mounted"));
		rmSync(base, { recursive: true });
	}
});

function stateOf(pid: number | undefined): string {
	return execFileSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }).slice(0, 1);
}

test("whoever stands still goes on while all of Node's threads wait for files that do not answer", async () => {
	const base = mkdtempSync(join(tmpdir(), "wharf-freezer-"));
	const fifos = Array.from({ length: 16 }, (_, number) => join(base, `${number}`));
	execFileSync("mkfifo", fifos);
	// An open for reading waits for somebody who writes.
	const waiting = fifos.map((path) => open(path, "r"));
	try {
		await using group = new ScratchCgroup("starved");
		const counter = await group.counter();
		expect(await freeze(group.path, BOUND_MS)).toBe("thawed");
		expect(await counter.stands()).toBe(true);
		expect(await observeFreezer(group.path)).toBe("frozen");
		await thaw(group.path);
		expect(await counter.goesOn()).toBe(true);
	} finally {
		const writers = fifos.map((path) => openSync(path, "r+"));
		for (const handle of await Promise.all(waiting)) await handle.close();
		for (const fd of writers) closeSync(fd);
		rmSync(base, { recursive: true });
	}
});

test("programs with several threads that become others all the time are stopped", async () => {
	const threads =
		"import os, sys, threading, time\nfor _ in range(6): threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()\n";
	const again = 'os.execv("/usr/bin/python3", ["python3", "-S", "-E", "-c", sys.argv[1], sys.argv[1]])';
	await using group = new ScratchCgroup("execs");
	group.spawn("python3", "-S", "-E", "-c", threads + again, threads + again);
	for (let round = 0; round < 120; round++) {
		expect(await freeze(group.path, BOUND_MS)).toBe("thawed");
		await thaw(group.path);
		await sleep(17);
	}
});
