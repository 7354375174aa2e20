import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { TreeWorkers } from "./tree-workers.ts";

test("who gives up while a thread begins does not wait for it, and another one is had", async () => {
	await using workers = new TreeWorkers();
	const given = new AbortController();
	const taking = workers.take("tree", given.signal);
	const reason = new Error("given up");
	given.abort(reason);
	await expect(taking).rejects.toBe(reason);

	const { signal } = new AbortController();
	await using loan = await workers.take("tree", signal);
	loan.send({ kind: "copy", path: "/nowhere", twice: false, spool: "/nowhere" });
	await expect(loan.next(signal)).rejects.toThrow("ENOENT");
});

test("whoever has nothing else to wait for is told that they have ended", () => {
	const program = join(import.meta.dirname, "../test-support/workers-program.ts");
	expect(execFileSync(process.execPath, [program], { encoding: "utf8" })).toBe("ended\n");
});
