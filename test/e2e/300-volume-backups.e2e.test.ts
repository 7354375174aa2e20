/** Backups at the command line, SEEDS V9, V10: of several volumes, chosen by labels, with commands around them, and given up. */
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Child } from "#lib/exec/start.ts";
import { processes } from "../support/audit/kernel.ts";
import { eventually } from "../support/eventually.ts";
import { Host } from "../support/host.ts";
import { linesOf } from "../support/mounts.ts";
import { takeDown } from "../support/take-down.ts";

/** On the host's tmpfs. */
const TO = "/run/backup";

/** What a command that is ended has started is its: it takes it in. */
const REAPER = "while :; do sleep 1000 & wait; done";

let host: Host;

const wharf = (...args: string[]): Promise<string> => host.wharfOk(...args);
const start = (name: string, ...args: string[]): Promise<string> =>
	wharf("run", "-d", "--name", name, "--network", "none", ...args, "host", "sh", "-c", REAPER);
const archives = async (): Promise<string[]> => linesOf(await host.ok("ls", ["-A", TO]));
const backup = (...args: string[]) => host.wharf(["volume", "backup", ...args], { timeoutMs: 120_000 });

beforeAll(async () => {
	host = await Host.boot();
	await host.ok("mkdir", [TO]);
	await wharf("up");
	for (const name of ["dbdata", "uploads"]) await wharf("volume", "create", "--label", "team=blue", name);
	await wharf("volume", "create", "other");
	const before = "wharf.backup.before=echo dumped >/data/dump.sql";
	const after = "wharf.backup.after=rm /data/dump.sql";
	await start("db", "--label", before, "--label", after, "-v", "dbdata:/data");
	await start("app", "-v", "uploads:/uploads", "-v", "dbdata:/db:ro");
	await wharf("exec", "app", "sh", "-c", "echo picture >/uploads/picture");
});
afterAll(() => takeDown(host));

const isThere = async (path: string): Promise<boolean> => (await host.run("test", ["-e", path])).exitCode === 0;
const dump = (): string => `${host.root}/volumes/dbdata/_data/dump.sql`;

describe("several volumes in one run", () => {
	test("by a label: of one date, with what the container was asked for, and GNU tar extracts them", async () => {
		const { exitCode, stdout, stderr } = await backup("--filter", "label=team=blue", "--to", TO, "--zstd");
		expect([exitCode, stderr]).toEqual([0, expect.stringMatching(/^paused app, db for \d+ ms\n$|^paused db, app/)]);
		const names = await archives();
		expect(names.map((name) => name.replace(/\d/g, ""))).toEqual(["dbdata-TZ.tar.zst", "uploads-TZ.tar.zst"]);
		expect(new Set(names.map((name) => /\d{8}T\d{6}/.exec(name)?.[0])).size).toBe(1);
		// Each is told when it is there: which of them is first nobody knows.
		const told = linesOf(stdout).map((line) => line.split(": ")[0]);
		expect(told.toSorted()).toEqual(names.map((name) => `${TO}/${name}`));
		const content = (name: string, path: string) => host.ok("tar", ["--zstd", "-xOf", `${TO}/${name}`, path]);
		expect(await content(names[0] ?? "", "./dump.sql")).toBe("dumped\n");
		expect(await content(names[1] ?? "", "./picture")).toBe("picture\n");
		expect(await isThere(dump())).toBe(false);
	});

	test("older ones go by the rules of each", async () => {
		await host.ok("touch", [`${TO}/other-20260101T000000Z.tar`, `${TO}/uploads-20260101T000000Z.tar`]);
		const { exitCode, stdout } = await backup("dbdata", "uploads", "--no-hooks", "--to", TO, "--keep-last", "1");
		expect(exitCode).toBe(0);
		expect(linesOf(stdout).filter((line) => line.startsWith("removed"))).toHaveLength(3);
		expect((await archives()).map((name) => name.split("-")[0])).toEqual(["dbdata", "other", "uploads"]);
		await host.ok("sh", ["-c", `rm ${TO}/*`]);
	});

	test("one that fails is told at the end, and the others are archived; an unknown one keeps all from it", async () => {
		await host.ok("mv", [`${host.root}/volumes/other/_data`, `${host.root}/volumes/other/away`]);
		const { exitCode, stderr } = await backup("--all", "--no-hooks", "--to", TO);
		await host.ok("mv", [`${host.root}/volumes/other/away`, `${host.root}/volumes/other/_data`]);
		expect(exitCode).toBe(1);
		expect(stderr).toMatch(/wharf: 1 of 3 volumes could not be archived:\n {2}other: .*other/);
		expect((await archives()).map((name) => name.split("-")[0])).toEqual(["dbdata", "uploads"]);
		await host.ok("sh", ["-c", `rm ${TO}/*`]);

		const unknown = await backup("dbdata", "nosuch", "--to", TO);
		expect([unknown.exitCode, await archives(), await isThere(dump())]).toEqual([1, [], false]);
		expect(unknown.stderr).toContain("There is no volume nosuch.\nNothing was archived, of no volume");
		const none = await backup("--filter", "label=team=red", "--to", TO);
		expect([none.exitCode, none.stderr]).toEqual([1, expect.stringContaining("No volume fits label=team=red.")]);
	});
});

describe("onto a standard output that is full", () => {
	const full = "/run/full";

	beforeAll(async () => {
		await host.ok("mkdir", [full]);
		await host.ok("mount", ["-t", "tmpfs", "-o", "size=8k", "tmpfs", full]);
	});
	afterAll(() => host.ok("umount", [full]));

	test.each([
		["an archive of which the file system takes a part", "volume backup dbdata --no-hooks -o -"],
		["then a listing of which it takes nothing", "volume ls"],
	])("%s: it is said in a sentence", async (_, words) => {
		const { exitCode, stderr } = await host.run("sh", ["-c", `"$0" ${words} >>${full}/o`, host.program]);
		expect([exitCode, stderr.split("\n").slice(-3)]).toEqual([
			1,
			[
				"wharf: Standard output cannot be written: ENOSPC: no space left on device, write.",
				"What is there of it is not whole.",
				"",
			],
		]);
	});
});

describe("commands in containers", () => {
	test("one that fails before keeps the archive from being made; its words and status are told, those after are run", async () => {
		const { exitCode, stdout, stderr } = await backup(
			...["dbdata", "--to", TO, "--before", "app: echo it is locked >&2; exit 3"],
			...["--after", "app: echo after >/uploads/after"],
		);
		expect([exitCode, stdout, await archives()]).toEqual([1, "", []]);
		expect(stderr).toBe("it is locked\nwharf: In app `echo it is locked >&2; exit 3` ended with status 3.\n");
		expect(await isThere(dump())).toBe(false);
		expect(await wharf("exec", "app", "cat", "/uploads/after")).toBe("after");
	});

	test("one that takes too long is ended, and what it started, before what is to be run afterwards is", async () => {
		const writer = `i=0; while :; do i=$((i + 1)); echo $i >/uploads/beat; sleep 0.01; done`;
		const { exitCode, stderr } = await backup(
			...["uploads", "--to", TO, "--hook-timeout", "1", "--before", `app: sh -c '${writer}'; true`],
			...["--after", "app: cat /uploads/beat >/uploads/last"],
		);
		expect([exitCode, stderr]).toEqual([1, expect.stringContaining(" was not done within 1 s, and was ended.")]);
		const read = (name: string) => wharf("exec", "app", "cat", `/uploads/${name}`);
		const last = await read("last");
		await delay(100);
		expect([Number(last) > 0, await read("beat")]).toEqual([true, last]);
	});

	test("one that takes too long is ended", async () => {
		const { exitCode, stderr } = await backup(
			"uploads",
			"--to",
			TO,
			"--hook-timeout",
			"1",
			"--before",
			"app: sleep 1017",
		);
		expect([exitCode, await archives()]).toEqual([1, []]);
		expect(stderr).toContain("In app `sleep 1017` was not done within 1 s, and was ended.");
		await nobodySleeps();
	});
});

/** As the wharf in a terminal does on Ctrl-C, or a timer's on its end, once `when` says that it is so far. */
async function interrupted(
	args: readonly string[],
	when: () => Promise<void>,
	signal: "INT" | "TERM" = "INT",
): Promise<{ exitCode: number | undefined; stderr: string }> {
	const words = ["volume", "backup", ...args];
	const child: Child = host.start("sh", ["-c", 'echo $$; exec "$@"', "sh", host.program, ...words]);
	const pid = new Promise<string>((resolve) => createInterface({ input: child.stdout }).once("line", resolve));
	await eventually(when, 30_000);
	await host.ok("kill", [`-${signal}`, await pid]);
	const { exitCode, stderr } = await child.done;
	return { exitCode, stderr };
}

async function nobodySleeps(): Promise<void> {
	await eventually(async () => {
		const found = (await processes(host)).filter(
			({ command, state }) => command.startsWith("sleep 1017") && !state.startsWith("Z"),
		);
		expect(found).toEqual([]);
	});
}

describe("given up by Ctrl-C", () => {
	test("while it is read, it leaves nothing, and what is to be run afterwards is run", async () => {
		await wharf("exec", "app", "sh", "-c", "head -c 100000000 /dev/urandom >/uploads/large");
		const args = ["--filter", "label=team", "--to", TO, "--zstd", "--level", "19"];
		const ended = await interrupted(args, async () => {
			expect(await archives()).toEqual(expect.arrayContaining([expect.stringMatching(/partial$/)]));
			expect(await isThere(dump())).toBe(true);
		});
		expect(ended).toMatchObject({
			exitCode: 130,
			stderr: expect.stringContaining("wharf: Interrupted: of volumes") as string,
		});
		expect(await isThere(dump())).toBe(false);
		// The command waits for that.
		expect(await archives()).toEqual([]);
	});

	test("by SIGTERM, into a file: it returns when nothing of that is left", async () => {
		const ended = await interrupted(
			["uploads", "--no-hooks", "-o", `${TO}/x.tar.zst`, "--level", "19"],
			async () => expect(await archives()).toEqual([expect.stringMatching(/partial$/)]),
			"TERM",
		);
		expect([ended, await archives()]).toEqual([
			{ exitCode: 143, stderr: "wharf: Interrupted: no archive was written.\n" },
			[],
		]);
	});

	test("while a command before it runs, that is ended, and nothing was archived", async () => {
		const isRunning = async () => {
			const commands = (await processes(host)).map(({ command }) => command);
			expect(commands).toEqual(expect.arrayContaining([expect.stringMatching(/^sleep 1017/)]));
		};
		const ended = await interrupted(["dbdata", "--to", TO, "--before", "app: sleep 1017"], isRunning);
		expect(ended).toEqual({ exitCode: 130, stderr: "wharf: Interrupted: no archive was written.\n" });
		expect([await archives(), await isThere(dump())]).toEqual([[], false]);
		await nobodySleeps();
	});
});

test("what the README types", async () => {
	const readme = await readFile(new URL("../../README.md", import.meta.url), "utf8");
	const lines = readme.match(/^wharf volume (?:backup|restore|verify|clone) .*$/gm) ?? [];
	expect(lines.length).toBeGreaterThan(5);
	await host.ok("mount", ["-t", "tmpfs", "tmpfs", "/srv"]);
	await host.ok("mkdir", ["/srv/backup"]);
	await wharf("volume", "create", "--label", "team=blue", "data");
	await wharf(
		"run",
		"--rm",
		"-v",
		"data:/data",
		"host",
		"sh",
		"-c",
		"echo hello >/data/greeting; echo >/data/some.tmp",
	);
	for (const line of lines) await host.ok("sh", ["-c", `PATH=${dirname(host.program)}:$PATH; cd /srv; ${line}`]);
	expect(await host.ok("ls", ["/srv"])).toBe("backup\ndata.tar.zst\n");
	const made = linesOf(await host.ok("ls", ["/srv/backup"])).map((name) => name.replace(/-\d{8}T\d{6}Z(?:-\d+)?/, ""));
	expect(new Set(made)).toEqual(new Set(["data.tar.zst", "data.tar", "dbdata.tar", "uploads.tar"]));
	for (const copy of ["copy", "data-before-upgrade"])
		expect(await wharf("run", "--rm", "-v", `${copy}:/copy`, "host", "cat", "/copy/greeting")).toBe("hello");
	await wharf("volume", "rm", "data", "copy", "data-before-upgrade");
});

test("what other documents type: an archive by a container that has the volumes, and its way into another one", async () => {
	await wharf("exec", "db", "sh", "-c", "echo 'this is backup test!' >/data/file1.txt");
	const tar = ["tar", "cvf", "/backup/backup.tar", "/data"];
	await wharf("run", "--rm", "--volumes-from", "db", "-v", `${TO}:/backup`, "host", ...tar);
	expect(await host.ok("tar", ["-tf", `${TO}/backup.tar`])).toContain("data/file1.txt");
	await wharf("volume", "restore", "dbdata2", `${TO}/backup.tar`, "--strip", "1");
	const read = ["run", "--rm", "-v", "dbdata2:/dbdata", "host", "cat", "/dbdata/file1.txt"];
	expect(await wharf(...read)).toBe("this is backup test!");
	await wharf("volume", "rm", "dbdata2");
});
