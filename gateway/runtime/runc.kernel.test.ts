import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freeze, thaw } from "#lib/linux/freezer.ts";
import { createLog } from "#lib/log/log.ts";
import { findProgram } from "../find-program.ts";
import { removeParentCgroups } from "./cgroups.ts";
import { LogParser } from "./log-format.ts";
import { cgroupPath, ociConfig } from "./oci-config.ts";
import { openFilesLimit } from "./open-files.ts";
import { processStart } from "./process-start.ts";
import { hostPathOf, lookUp } from "./program-lookup.ts";
import { Runc } from "./runc.ts";
import { RuntimeError } from "./runtime.ts";

/** Programs and libraries of this machine, read-only: enough of a root file system for a shell. */
const TREE = ["/usr", "/bin", "/lib", "/lib64", "/etc"].filter((path) => existsSync(path));

let scratch = "";
let runc: Runc;

beforeAll(() => {
	scratch = mkdtempSync(join(tmpdir(), "wharf-runc-"));
	runc = new Runc({
		program: findProgram("runc") ?? "runc",
		stateDir: join(scratch, "runc"),
		exitDir: join(scratch, "exits"),
		execDir: join(scratch, "execs"),
		log: createLog({ service: "test", level: "silent" }),
	});
});

afterAll(async () => {
	rmSync(scratch, { recursive: true, force: true });
	await removeParentCgroups();
});

interface Made extends AsyncDisposable {
	readonly id: string;
	readonly pid: number;
	start(): Promise<void>;
	exit(): Promise<number>;
	log(): { output: string; text: string }[];
}

async function make(command: readonly string[]): Promise<Made> {
	const id = randomBytes(32).toString("hex");
	const dir = join(scratch, id);
	const rootfs = join(dir, "rootfs");
	mkdirSync(rootfs, { recursive: true });
	const logPath = join(dir, "log");
	const config = ociConfig({
		id,
		command,
		environment: [],
		hostname: "inside",
		domainname: "",
		rootfs,
		netnsPath: "/proc/self/ns/net",
		hidden: [],
		openFiles: openFilesLimit(),
		files: new Map(),
		mounts: TREE.map((path) => ({ destination: path, type: "bind", source: path, options: ["rbind", "ro"] })),
	});
	const exits = new AbortController();
	const status = Promise.withResolvers<number>();
	void (async () => {
		for await (const { id: ended, exitCode } of runc.exits(exits.signal)) if (ended === id) status.resolve(exitCode);
	})();
	const dispose = async (): Promise<void> => {
		exits.abort();
		await runc.remove(id);
		await runc.forgetExit(id);
		expect(cgroupsOf(id)).toEqual([]);
	};
	try {
		const { pid } = await runc.create({ id, dir, logPath }, withoutNetwork(config));
		return {
			id,
			pid,
			start: () => runc.start(id),
			exit: () => status.promise,
			log: () =>
				new LogParser()
					.push(readFileSync(logPath))
					.map(({ output, data }) => ({ output, text: Buffer.from(data).toString() })),
			[Symbol.asyncDispose]: dispose,
		};
	} catch (error) {
		await dispose();
		throw error;
	}
}

/** A new, empty network namespace instead of a sandbox's. */
function withoutNetwork(config: ReturnType<typeof ociConfig>): ReturnType<typeof ociConfig> {
	const namespaces = config.linux.namespaces.map(({ type }) => ({ type }));
	return { ...config, linux: { ...config.linux, namespaces } };
}

function cgroupsOf(id: string): string[] {
	const found = execFileSync("find", ["/sys/fs/cgroup", "-type", "d", "-name", id], { encoding: "utf8" });
	return found.split("\n").filter((line) => line !== "");
}

describe("a container's process", () => {
	test("runs in namespaces and a cgroup of its own, and what it writes is in the log", async () => {
		await using made = await make(["sh", "-c", "hostname; echo $$; echo oops >&2; printf part"]);
		expect(cgroupsOf(made.id).length).toBeGreaterThan(0);
		await made.start();
		expect(await made.exit()).toBe(0);
		const log = made.log();
		expect(
			log
				.filter(({ output }) => output === "stdout")
				.map(({ text }) => text)
				.join(""),
		).toBe("inside\n1\npart");
		expect(log.filter(({ output }) => output === "stderr")).toEqual([{ output: "stderr", text: "oops\n" }]);
	});

	test("waits to be let go after create", async () => {
		await using made = await make(["true"]);
		expect((await runc.observe()).get(made.id)).toEqual({ status: "created", pid: made.pid });
		expect(processStart(made.pid)).toBeDefined();
		await made.start();
		expect(await made.exit()).toBe(0);
	});

	test("ends with its own status, or 128 and its signal's number", async () => {
		await using seven = await make(["sh", "-c", "exit 7"]);
		await seven.start();
		expect(await seven.exit()).toBe(7);
		await using asked = await make(["sh", "-c", "trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done"]);
		await asked.start();
		while (!asked.log().some(({ text }) => text === "ready\n")) await new Promise((resolve) => setTimeout(resolve, 10));
		await runc.kill(asked.id, "TERM");
		expect(await asked.exit()).toBe(3);
		await using killed = await make(["sleep", "1000"]);
		await killed.start();
		await runc.kill(killed.id, "KILL");
		expect(await killed.exit()).toBe(137);
		await runc.kill(killed.id, "KILL");
		expect(processStart(killed.pid)).toBeUndefined();
	});

	test("has everything in the log when its exit status is seen", async () => {
		await using made = await make(["sh", "-c", "seq 1 20000"]);
		await made.start();
		await made.exit();
		const lines = made
			.log()
			.map(({ text }) => text)
			.join("")
			.trimEnd()
			.split("\n");
		expect(lines.length).toBe(20_000);
		expect(lines.at(-1)).toBe("20000");
	});

	test("is removed while it runs, and a second time", async () => {
		await using made = await make(["sleep", "1000"]);
		await made.start();
		await runc.remove(made.id);
		expect(cgroupsOf(made.id)).toEqual([]);
		expect(processStart(made.pid)).toBeUndefined();
		expect((await runc.observe()).has(made.id)).toBe(false);
	});

	test("a program that is missing, or none, is an error and leaves nothing", async () => {
		for (const [command, lookup] of [
			["/bin/no-such-program", "not-found"],
			["no-such-program", "not-found"],
			["/etc/passwd", "not-executable"],
			["/etc", "not-executable"],
		] as const) {
			await expect(make([command])).rejects.toThrow(RuntimeError);
			const hostPath = hostPathOf(
				join(scratch, "none"),
				TREE.map((path) => ({ destination: path, type: "bind", source: path })),
			);
			expect(lookUp(command, "/usr/bin:/bin", hostPath)).toBe(lookup);
		}
		expect((await runc.observe()).size).toBe(0);
	});
});

describe("in a container that is paused for a moment", () => {
	const BOUND_MS = 10_000;
	const never = new AbortController().signal;

	/** Frozen while `body` begins, and thawed when it has had the time to fail. */
	async function paused<T>(id: string, body: () => Promise<T>): Promise<T> {
		expect(await freeze(cgroupPath(id), BOUND_MS)).toBe("thawed");
		const running = body();
		await Promise.race([running, sleep(500)]).catch(() => undefined);
		await thaw(cgroupPath(id));
		return running;
	}

	test("the process is let go afterwards", async () => {
		await using made = await make(["echo", "hello"]);
		await paused(made.id, () => made.start());
		expect(await made.exit()).toBe(0);
		expect(made.log()).toMatchObject([{ text: "hello\n" }]);
	});

	test("another one begins afterwards", async () => {
		await using made = await make(["sleep", "1000"]);
		await made.start();
		const command = ["echo", "hello"];
		const parts = await paused(made.id, () =>
			Array.fromAsync(runc.exec(made.id, { command, environment: [], stdin: undefined, signal: never })),
		);
		expect(parts.map((part) => (part.kind === "exit" ? part.exitCode : String(part.data)))).toEqual(["hello\n", 0]);
	});

	test("it is killed and removed at once", async () => {
		await using killed = await make(["sleep", "1000"]);
		await killed.start();
		await paused(killed.id, () => runc.kill(killed.id, "KILL"));
		expect(await killed.exit()).toBe(137);
		await using removed = await make(["sleep", "1000"]);
		await removed.start();
		await freeze(cgroupPath(removed.id), BOUND_MS);
		await runc.remove(removed.id);
		expect(cgroupsOf(removed.id)).toEqual([]);
	});
});

describe("exec", () => {
	async function collect(id: string, command: string[], input?: string) {
		const stdin =
			input === undefined
				? undefined
				: (async function* () {
						yield Buffer.from(input);
					})();
		const seen = { stdout: "", stderr: "", exitCode: -1 };
		const signal = new AbortController().signal;
		for await (const part of runc.exec(id, { command, environment: ["GREETING=hello"], stdin, signal })) {
			if (part.kind === "exit") seen.exitCode = part.exitCode;
			else seen[part.kind] += Buffer.from(part.data).toString();
		}
		return seen;
	}

	test("has the container's namespaces, its own environment, streams and status", async () => {
		await using made = await make(["sleep", "1000"]);
		await made.start();
		expect(await collect(made.id, ["sh", "-c", "hostname; echo $GREETING >&2; exit 5"])).toEqual({
			stdout: "inside\n",
			stderr: "hello\n",
			exitCode: 5,
		});
		expect(await collect(made.id, ["cat"], "through and back")).toEqual({
			stdout: "through and back",
			stderr: "",
			exitCode: 0,
		});
		expect(await collect(made.id, ["sh", "-c", "exit 255"])).toEqual({ stdout: "", stderr: "", exitCode: 255 });
		await expect(collect(made.id, ["no-such-program"])).rejects.toThrow(RuntimeError);
		expect(readdirSync(join(scratch, "exits"))).not.toContain(made.id);
	});

	test("a caller that goes away ends it", async () => {
		await using made = await make(["sleep", "1000"]);
		await made.start();
		const caller = new AbortController();
		const command = ["sh", "-c", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.01; done"];
		let last: number | undefined;
		for await (const part of runc.exec(made.id, {
			command,
			environment: [],
			stdin: undefined,
			signal: caller.signal,
		})) {
			if (part.kind === "exit") last = part.exitCode;
			else caller.abort();
		}
		expect(last).toBe(9);
	});

	const deaf = ["sh", "-c", "trap '' TERM; sleep 1002 & echo ready; while :; do sleep 0.01; done"];

	test("one that does not heed it is killed, with what it started", async () => {
		await using made = await make(["sleep", "1000"]);
		await made.start();
		const caller = new AbortController();
		const options = { command: deaf, environment: [], stdin: undefined, signal: caller.signal };
		for await (const part of runc.exec(made.id, options)) if (part.kind !== "exit") caller.abort();
		await expect.poll(() => programsIn(made.id), { timeout: 10_000 }).toEqual(["sleep"]);
		expect(readdirSync(join(scratch, "execs"))).toEqual([]);
	});

	test("what one of a former gateway started is killed, and nothing else", async () => {
		await using made = await make(["sleep", "1000"]);
		await made.start();
		await collect(made.id, ["sh", "-c", "sleep 1003 >/dev/null 2>&1 &"]); // the container's own from now on
		const reading = runc.exec(made.id, {
			command: deaf,
			environment: [],
			stdin: undefined,
			signal: new AbortController().signal,
		});
		const parts = reading[Symbol.asyncIterator]();
		await parts.next(); // it runs
		await runc.endExecs();
		await expect.poll(() => programsIn(made.id), { timeout: 10_000 }).toEqual(["sleep", "sleep"]);
		expect(readdirSync(join(scratch, "execs"))).toEqual([]);
		for (let next = await parts.next(); next.done !== true; next = await parts.next());
	});

	/** The names of a container's processes, asked of another program. */
	function programsIn(id: string): string[] {
		const listed = execFileSync("ps", ["-e", "-o", "stat=,comm=,cgroup="], { encoding: "utf8" });
		// The container's first process does not wait for what it inherits.
		const own = listed.split("\n").filter((line) => line.includes(id) && !line.startsWith("Z"));
		return own.map((line) => line.split(/ +/)[1] ?? "").toSorted();
	}
});
