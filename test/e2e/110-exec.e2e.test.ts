/** `wharf exec` while the gateway ends: the command says so, its process ends, the container goes on. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { processes } from "../support/audit/kernel.ts";
import { eventually } from "../support/eventually.ts";
import { Host } from "../support/host.ts";
import { kill, settled } from "../support/services.ts";
import { takeDown } from "../support/take-down.ts";

let host: Host;

beforeAll(async () => {
	host = await Host.boot();
	await host.wharfOk("up");
	await host.wharfOk("run", "-d", "--name", "web", "host", "sh", "-c", "while :; do sleep 1004 & wait; done");
});

afterAll(() => takeDown(host));

async function running(pattern: RegExp): Promise<string[]> {
	return (await processes(host))
		.filter(({ command, state }) => pattern.test(command) && !state.startsWith("Z"))
		.map(({ command }) => command);
}

test.each([
	["is killed", () => kill(host, "gateway")],
	["is restarted in good order", () => kill(host, "gateway", "TERM")],
	["goes down", () => host.wharfOk("down")],
])("an exec ends when the gateway %s", async (_, end) => {
	const program = "trap '' TERM; sleep 1005 & echo ready; while :; do sleep 0.05; done";
	const exec = host.wharf(["exec", "web", "sh", "-c", program], { timeoutMs: 60_000 });
	await eventually(async () => expect(await running(/^sleep 1005/)).toHaveLength(1));
	await end();
	const { exitCode, stdout, stderr } = await exec;
	expect([exitCode, stdout]).toEqual([125, "ready\n"]);
	expect(stderr).toMatch(/^wharf: .*gateway/);
	expect(stderr).toContain("What this had begun in web ends with the gateway.");

	await host.wharfOk("up");
	await settled(host);
	await eventually(async () => expect(await running(/^sleep 1005|trap|^\S*runc .* exec /)).toEqual([]));
	expect(await running(/^sleep 1004/)).toHaveLength(1);
	expect(readdirSync(join(host.root, "run/execs"))).toEqual([]);
	expect((await host.wharf(["exec", "web", "true"])).exitCode).toBe(0);
});
