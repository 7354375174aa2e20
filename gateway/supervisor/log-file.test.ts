import { closeSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Paths } from "#lib/config/paths.ts";
import { lastWords, logPath, openLog } from "./log-file.ts";

let paths: Paths;

beforeEach(() => {
	paths = new Paths(mkdtempSync(join(tmpdir(), "wharf-logs-")));
});

afterEach(() => rmSync(paths.root, { recursive: true }));

function write(...lines: string[]): void {
	const fd = openLog(paths, "netd");
	for (const line of lines) writeSync(fd, `${line}\n`);
	closeSync(fd);
}

test("the last error is what a service had to say", () => {
	write(
		'{"level":"info","message":"serving"}',
		'{"level":"error","message":"No room.","help":"Make some."}',
		'{"level":"info","message":"stopped"}',
	);
	expect(lastWords(paths, "netd")).toBe("No room. Make some.");
});

test("without an error, the last line; of another program's log, its words", () => {
	expect(lastWords(paths, "netd")).toBe("it said nothing");
	write('{"level":"info","message":"serving"}');
	expect(lastWords(paths, "netd")).toBe("serving");
	write("[33] [FTL] Can't listen", "[33] [INF] bye");
	expect(lastWords(paths, "netd")).toBe("[33] [FTL] Can't listen");
	write('{"level":"error","message":"incident","err":{"message":"boom"}}');
	expect(lastWords(paths, "netd")).toBe("incident (boom)");
});

test("a log that has grown too large is put aside at the next start", () => {
	write("old");
	truncateSync(logPath(paths, "netd"), 17 * 1024 * 1024);
	write("new");
	expect(readdirSync(paths.logs).sort()).toEqual(["netd.log", "netd.log.1"]);
	expect(lastWords(paths, "netd")).toBe("new");
});

test("a line that was cut off, and a program that ended in an error of Node's, are told in a sentence as well", () => {
	write('{"level":"warn","err":{"message":"volumed does not answer","stack":"at a\\n at b"');
	expect(lastWords(paths, "netd")).toBe("volumed does not answer");
	write("SyntaxError: no such export", "    at somewhere", "", "Node.js v24.21.0");
	expect(lastWords(paths, "netd")).toBe("SyntaxError: no such export");
	write(`x Error ${"y".repeat(1000)}`);
	expect(lastWords(paths, "netd").length).toBeLessThan(310);
});
