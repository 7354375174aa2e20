import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { run, start } from "./run.ts";

let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "wharf-exec-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Processes of this session id, by ps: what is left of a child's group. */
function alive(session: string): string[] {
	const table = execFileSync("ps", ["-eo", "sid=,pid=,stat="], { encoding: "utf8" });
	return table.split("\n").filter((line) => {
		const [sid, , state] = line.trim().split(/\s+/);
		return sid === session && !state?.startsWith("Z");
	});
}

async function gone(session: string): Promise<void> {
	while (alive(session).length > 0) await sleep(20);
}

describe("run", () => {
	test("gives what the program wrote and how it ended", async () => {
		const output = await run("sh", ["-c", "cat; echo to stderr >&2"], { input: "in\n" });
		expect(output).toEqual({ stdout: "in\n", stderr: "to stderr\n", exitCode: 0 });
	});

	test("passes arguments as they are: there is no shell", async () => {
		const { stdout } = await run("printf", ["%s|", "$HOME", "a b", "*", ";id"]);
		expect(stdout).toBe("$HOME|a b|*|;id|");
	});

	test("speaks the C locale, adds to the environment, and finds administration programs", async () => {
		const { stdout } = await run("sh", ["-c", 'echo "$LC_ALL $EXTRA"; echo ":$PATH:"; pwd'], {
			env: { EXTRA: "x" },
			cwd: folder,
		});
		const [first, path, cwd] = stdout.split("\n");
		expect([first, cwd]).toEqual(["C x", folder]);
		expect(path).toContain(":/usr/sbin:");
	});

	test("a program that is missing is named with its package", async () => {
		await expect(run("wharf-no-such-program", [])).rejects.toMatchObject({
			reason: "PROGRAM_MISSING",
			metadata: { program: "wharf-no-such-program", package: "wharf-no-such-program" },
		});
		await expect(run("/nowhere/nft", [], { input: "x".repeat(1 << 20) })).rejects.toMatchObject({
			reason: "PROGRAM_MISSING",
			metadata: { package: "nftables" },
		});
	});

	test("a folder that is missing, or a file that cannot be run, is not a missing program", async () => {
		await expect(run("true", [], { cwd: join(folder, "nowhere") })).rejects.toMatchObject({
			reason: "PROGRAM_NOT_STARTED",
			message: expect.stringContaining(join(folder, "nowhere")),
		});
		const file = join(folder, "plain");
		writeFileSync(file, "#!/bin/sh\n", { mode: 0o644 });
		await expect(run(file, [])).rejects.toMatchObject({ reason: "PROGRAM_NOT_STARTED" });
	});

	test("an exit status that is not accepted is a fault with the last line of stderr", async () => {
		await expect(run("sh", ["-c", "echo one >&2; echo two >&2; exit 3"])).rejects.toMatchObject({
			reason: "PROGRAM_FAILED",
			message: "sh ended with exit status 3: two.",
			metadata: { status: "exit status 3", stderr: "one\ntwo\n" },
		});
		await expect(run("sh", ["-c", "kill -9 $$"])).rejects.toMatchObject({
			message: "sh ended with signal SIGKILL and said nothing.",
		});
		expect(await run("sh", ["-c", "exit 3"], { acceptExit: [0, 3] })).toMatchObject({ exitCode: 3 });
	});

	test("a time-out ends the whole group, also what ignores SIGTERM in the background", async () => {
		const script = 'echo $$ > session; (trap "" TERM; sleep 600; sleep 600) & trap "" TERM; wait; sleep 600';
		await expect(run("sh", ["-c", script], { cwd: folder, timeoutMs: 300 })).rejects.toMatchObject({
			code: "DEADLINE_EXCEEDED",
			reason: "PROGRAM_TIMED_OUT",
		});
		await gone(execFileSync("cat", [join(folder, "session")], { encoding: "utf8" }).trim());
	});

	test("an abort reaches what holds the output open after the program itself has ended", async () => {
		const abort = new AbortController();
		const ran = run("sh", ["-c", "sleep 600 & echo $$ > session"], { cwd: folder, signal: abort.signal });
		const why = new Error("the caller went away");
		setTimeout(() => abort.abort(why), 300);
		await expect(ran).rejects.toBe(why);
		await gone(execFileSync("cat", [join(folder, "session")], { encoding: "utf8" }).trim());
	});

	test("an aborted signal starts nothing", async () => {
		const file = join(folder, "made");
		await expect(run("touch", [file], { signal: AbortSignal.abort(new Error("no")) })).rejects.toThrow("no");
		expect(execFileSync("ls", [folder], { encoding: "utf8" })).toBe("");
	});

	test("output beyond the limit ends the program; stderr keeps its end only", async () => {
		await expect(run("yes", [], { maxOutputBytes: 100_000 })).rejects.toMatchObject({
			reason: "PROGRAM_OUTPUT_TOO_LARGE",
		});
		const { stderr } = await run("sh", ["-c", "yes | head -c 5000000 >&2; echo end >&2"]);
		expect(Buffer.byteLength(stderr)).toBe(64 * 1024);
		expect(stderr.endsWith("y\nend\n")).toBe(true);
	});
});

describe("start", () => {
	test("streams in and out, and tells how it ended", async () => {
		const child = start("cat", [], { stdin: "pipe" });
		// Later than execa would have let the stream flow away.
		child.stdin.write("one\n");
		await sleep(50);
		child.stdin.end("two\n");
		const chunks: Uint8Array[] = [];
		for await (const chunk of child.stdout) chunks.push(chunk as Uint8Array);
		expect(Buffer.concat(chunks).toString()).toBe("one\ntwo\n");
		expect(await child.done).toEqual({ exitCode: 0, signal: undefined, stderr: "" });
		expect(child.kill()).toBe(false);
	});

	test("stderr streams as it comes, by itself, and waits for its reader", async () => {
		const child = start("sh", ["-c", "echo out; yes err | head -c 300000 >&2; exit 3"], { stderr: "pipe" });
		// Later than execa would have let the stream flow away.
		await sleep(50);
		const read = async (stream: AsyncIterable<Uint8Array>): Promise<string> => {
			const chunks: Uint8Array[] = [];
			for await (const chunk of stream) chunks.push(chunk);
			return Buffer.concat(chunks).toString();
		};
		const [out, err] = await Promise.all([read(child.stdout), read(child.stderr)]);
		expect([out, err]).toEqual(["out\n", "err\n".repeat(75_000)]);
		expect(await child.done).toEqual({ exitCode: 3, signal: undefined, stderr: "" });
	});

	test("stderr that is kept is not there to be read", async () => {
		const child = start("true", []);
		expect(() => child.stderr).toThrow("the standard error of true is kept for `done`");
		await child.done;
	});

	test("an unread output does not keep `done` from settling", async () => {
		const child = start("sh", ["-c", "echo hello; exit 4"]);
		expect(await child.done).toMatchObject({ exitCode: 4 });
	});

	test("something left behind that holds stderr does not keep `done` from settling", async () => {
		const child = start("sh", ["-c", "sleep 600 & echo bye >&2"], { stdout: "ignore" });
		expect(await child.done).toEqual({ exitCode: 0, signal: undefined, stderr: "bye\n" });
		expect(child.kill("SIGKILL")).toBe(true);
	});

	test("descriptors from 3 on are passed", async () => {
		const child = start("sh", ["-c", "echo three >&3"], { stdout: "ignore", extra: ["pipe"] });
		const chunks: Uint8Array[] = [];
		for await (const chunk of child.extra(0)) chunks.push(chunk as Uint8Array);
		expect(Buffer.concat(chunks).toString()).toBe("three\n");
		await child.done;
		expect(() => child.stdin).toThrow("descriptor 0 of sh is not a pipe");
	});

	test("output goes straight to a descriptor of ours, whatever its number", async () => {
		const fds = Array.from({ length: 12 }, () => openSync(join(folder, "log"), "a"));
		const last = fds.at(-1) ?? 0;
		const child = start("sh", ["-c", "echo out; echo err >&2; echo four >&4"], {
			stdout: last,
			stderr: last,
			extra: ["pipe", last],
		});
		expect(await child.done).toEqual({ exitCode: 0, signal: undefined, stderr: "" });
		expect(last).toBeGreaterThan(9);
		expect(readFileSync(join(folder, "log"), "utf8")).toBe("out\nerr\nfour\n");
		for (const fd of fds) closeSync(fd);
	});

	test("a program that is missing rejects `done`, and only that", async () => {
		const child = start("wharf-no-such-program", [], { stdin: "pipe" });
		child.stdin.end("x");
		await sleep(50);
		expect(child.pid).toBeUndefined();
		await expect(child.done).rejects.toMatchObject({ reason: "PROGRAM_MISSING" });
	});

	test("children end when this process exits, but for those that are to outlive it", async () => {
		const program = `
			import { start } from ${JSON.stringify(new URL("./run.ts", import.meta.url).href)};
			const ours = start("sleep", ["600"], { stdout: "ignore" });
			const free = start("sleep", ["600"], { stdout: "ignore", stderr: "ignore", outlive: true });
			console.log(ours.pid, free.pid);
			process.exit(0);
		`;
		const { stdout } = await run(process.execPath, ["--input-type=module", "-e", program], {
			cwd: new URL("../..", import.meta.url).pathname,
		});
		const [ours = "", free = ""] = stdout.trim().split(" ");
		await gone(ours);
		expect(alive(free)).toHaveLength(1);
		process.kill(Number(free), "SIGKILL");
	});
});
