/** Logs that have a bound: the oldest goes, what is there is read across the files, and who follows misses nothing. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Host } from "../support/host.ts";
import { takeDown } from "../support/take-down.ts";

const BATCHES = 12;
const LINES = 2_000;
/** A batch is more than a file may have; the pauses are for the gateway to look. */
const PROGRAM = `for b in $(seq ${BATCHES}); do seq -f "line $b %g" ${LINES}; sleep 0.5; done`;
const WHOLE = Array.from(
	{ length: BATCHES * LINES },
	(_, index) => `line ${Math.floor(index / LINES) + 1} ${(index % LINES) + 1}\n`,
).join("");

let host: Host;

beforeAll(async () => {
	host = await Host.boot();
	await host.wharfOk("up");
});

afterAll(() => takeDown(host));

test.each([
	[1, 0], // empty when it has just been begun
	[3, 2 * LINES * "line 1 1\n".length],
])("with %i files", async (files, atLeast) => {
	const options = ["--log-opt", "max-size=50k", "--log-opt", `max-file=${files}`];
	const followed = await host.wharf(["run", "--name", "talker", ...options, "host", "sh", "-c", PROGRAM]);
	expect(followed.stdout === WHOLE).toBe(true);
	const { stdout: kept } = await host.wharf(["logs", "talker"]);
	expect(WHOLE.endsWith(kept)).toBe(true);
	expect(kept.length).toBeLessThan(WHOLE.length);
	const [{ Id: id }] = JSON.parse(await host.wharfOk("inspect", "talker"));
	const expected = ["log", "log.1", "log.2"].slice(0, files);
	expect(readdirSync(join(host.root, "containers", id)).filter((name) => name.startsWith("log"))).toEqual(expected);
	expect(kept.length).toBeGreaterThanOrEqual(atLeast);
	expect(kept.endsWith((await host.wharf(["logs", "-n", "5", "talker"])).stdout)).toBe(true);
	await host.wharfOk("start", "talker");
	await host.wharfOk("rm", "-f", "talker");
});

test("without a bound nothing goes", async () => {
	await host.wharfOk("run", "--name", "talker", "--log-opt", "max-size=-1", "host", "sh", "-c", PROGRAM);
	expect((await host.wharf(["logs", "talker"])).stdout === WHOLE).toBe(true);
	await host.wharfOk("rm", "talker");
});
