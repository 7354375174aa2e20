import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const PROGRAM = join(import.meta.dirname, "test-support/capabilities-program.ts");

test("a thread keeps what it names, and the others keep all of theirs", () => {
	const status = execFileSync("cat", ["/proc/self/status"], { encoding: "utf8" });
	const told = execFileSync(process.execPath, [PROGRAM], { encoding: "utf8" });
	expect(JSON.parse(told)).toEqual(["0000000080200001", /CapEff:\s*(\S+)/.exec(status)?.[1]]);
});
