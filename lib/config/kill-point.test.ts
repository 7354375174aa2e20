import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";

const PROGRAM = `
import { killPoint } from ${JSON.stringify(new URL("./kill-point.ts", import.meta.url).href)};
import { writeSync } from "node:fs";
for (const name of ["a", "b", "a", "a"]) { killPoint(name); writeSync(1, name); }
`;

function outcome(wanted: string | undefined) {
	const { WHARF_KILL_POINT: _, ...env } = process.env;
	const result = spawnSync(process.execPath, ["--input-type=module", "-e", PROGRAM], {
		env: wanted === undefined ? env : { ...env, WHARF_KILL_POINT: wanted },
		encoding: "utf8",
	});
	return { stdout: result.stdout, status: result.status, signal: result.signal };
}

describe("killPoint", () => {
	test("does nothing without the variable, or for another name", () => {
		expect(outcome(undefined)).toEqual({ stdout: "abaa", status: 0, signal: null });
		expect(outcome("c")).toEqual({ stdout: "abaa", status: 0, signal: null });
	});

	test("ends the process at the first pass of its name", () => {
		expect(outcome("b")).toEqual({ stdout: "a", status: null, signal: "SIGKILL" });
	});

	test("ends the process at the pass that is asked for", () => {
		expect(outcome("a#2")).toEqual({ stdout: "ab", status: null, signal: "SIGKILL" });
		expect(outcome("a#4")).toEqual({ stdout: "abaa", status: 0, signal: null });
	});
});
