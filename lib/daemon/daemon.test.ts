import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Child, start } from "#lib/exec/start.ts";
import { checkHealth } from "#lib/rpc/check-health.ts";

let root: string;
const children: Child[] = [];
beforeEach(() => {
	root = mkdtempSync(join(tmpdir(), "wharf-daemon-"));
});
afterEach(async () => {
	for (const child of children.splice(0)) {
		child.kill("SIGKILL");
		await child.done;
	}
	rmSync(root, { recursive: true, force: true });
});

/** Says what happens in it, a line each. */
const PROGRAM = `
	import { writeSync } from "node:fs";
	import { runDaemon } from ${JSON.stringify(new URL("./daemon.ts", import.meta.url).href)};
	const say = (text) => writeSync(1, text + "\\n");
	await runDaemon({
		name: "testd",
		migrations: ["CREATE TABLE thing (id INTEGER PRIMARY KEY) STRICT"],
		schema: { greeting: { key: "testd.greeting", parse: { allowed: "anything", parse: String }, default: "hello", doc: "" } },
		start: async ({ settings, store, resources, signal, stop }) => {
			resources.defer(async () => {
				await store.write([{ sql: "INSERT INTO thing DEFAULT VALUES" }]);
				say("resources closed, aborted " + signal.aborted);
			});
			if (process.env.FAIL) throw new Error("broken on purpose");
			if (process.env.CRASH) setTimeout(() => { throw new Error("crashed on purpose"); }, 300);
			if (process.env.STOP) setTimeout(stop, 300);
			say(settings.greeting + " " + store.all("SELECT * FROM thing").length);
			return [];
		},
	});
`;

function daemon(env: Record<string, string> = {}) {
	const child = start(process.execPath, ["--input-type=module", "-e", PROGRAM], {
		env: { WHARF_ROOT: root, ...env },
		stdin: "pipe",
	});
	children.push(child);
	const lines: string[] = [];
	const reading = (async () => {
		for await (const line of createInterface({ input: child.stdout })) lines.push(line);
	})();
	const ended = async () => {
		const { exitCode, signal, stderr } = await child.done;
		await reading;
		const log = stderr
			.split("\n")
			.filter((line) => line.startsWith("{"))
			.map((line) => JSON.parse(line) as Record<string, unknown>);
		return { exitCode, signal, lines, log };
	};
	return { child, ended };
}

const socket = () => join(root, "run/testd.sock");

async function serving(): Promise<void> {
	await expect.poll(() => checkHealth({ unix: socket() }), { timeout: 20_000 }).toBe("SERVING");
}

test.each(["SIGTERM", "SIGINT"] as const)(
	"%s ends it in order",
	async (signal) => {
		const { child, ended } = daemon();
		await serving();
		child.kill(signal);
		const { exitCode, lines, log } = await ended();
		expect([exitCode, lines]).toEqual([0, ["hello 0", "resources closed, aborted true"]]);
		expect(log.slice(-3).map(({ message }) => message)).toEqual(["serving", "stopping", "stopped"]);
		expect(existsSync(socket())).toBe(false);
	},
	30_000,
);

test("it ends when it says so itself, and begins again with what it stored", async () => {
	const first = await daemon({ STOP: "1" }).ended();
	expect([first.exitCode, first.lines[0]]).toEqual([0, "hello 0"]);
	const second = await daemon({ STOP: "1", WHARF_TESTD_GREETING: "welcome" }).ended();
	expect([second.exitCode, second.lines[0]]).toEqual([0, "welcome 1"]);
}, 30_000);

test("under a supervisor it ends with it: when stdin does", async () => {
	const { child, ended } = daemon({ WHARF_SUPERVISED: "1" });
	await serving();
	child.stdin.end();
	expect(await ended()).toMatchObject({ exitCode: 0, lines: { length: 2 } });
}, 30_000);

test("without a supervisor the end of stdin says nothing", async () => {
	const { child, ended } = daemon();
	await serving();
	child.stdin.end();
	expect(await checkHealth({ unix: socket() })).toBe("SERVING");
	child.kill("SIGTERM");
	expect(await ended()).toMatchObject({ exitCode: 0 });
}, 30_000);

test("a bad setting is one line and status 1", async () => {
	writeFileSync(join(root, "wharf.json"), '{ "logLevel": "loud" }');
	const { exitCode, lines, log } = await daemon().ended();
	expect([exitCode, lines]).toEqual([1, []]);
	expect(log).toMatchObject([
		{
			level: "error",
			reason: "INVALID_SETTING",
			message: `logLevel in ${root}/wharf.json is "loud"; allowed is debug, info, warn, error, silent.`,
		},
	]);
}, 30_000);

test("TCP without TLS is refused", async () => {
	const { exitCode, log } = await daemon({ WHARF_TESTD_LISTEN: "127.0.0.1:7001" }).ended();
	expect([exitCode, log[0]?.["reason"]]).toEqual([1, "TLS_REQUIRED"]);
}, 30_000);

test("a start that fails closes what it opened", async () => {
	const { exitCode, lines, log } = await daemon({ FAIL: "1" }).ended();
	expect([exitCode, lines]).toEqual([1, ["resources closed, aborted false"]]);
	expect(log.at(-1)).toMatchObject({ message: "the daemon failed", err: { message: "broken on purpose" } });
}, 30_000);

test("an error that nobody caught ends it at once", async () => {
	const { exitCode, lines, log } = await daemon({ CRASH: "1" }).ended();
	expect([exitCode, lines]).toEqual([1, ["hello 0"]]);
	expect(log.at(-1)).toMatchObject({ message: "an error that nobody caught", err: { message: "crashed on purpose" } });
}, 30_000);

test("a second one at the same root does not start", async () => {
	const { child, ended } = daemon();
	await serving();
	expect(await daemon().ended()).toMatchObject({ exitCode: 1, log: [{ reason: "STORE_IN_USE" }] });
	child.kill("SIGTERM");
	expect(await ended()).toMatchObject({ exitCode: 0 });
}, 30_000);
