/** A container on several networks: which of them leads elsewhere, as asked for at the command line. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { audit } from "../support/audit/audit.ts";
import { Host } from "../support/host.ts";
import { takeDown } from "../support/take-down.ts";

let host: Host;
beforeAll(async () => {
	host = await Host.boot();
	await host.wharfOk("up");
	for (const name of ["front", "back", "side"]) await host.wharfOk("network", "create", name);
});
afterAll(() => takeDown(host));

const leading = async (): Promise<string> =>
	/dev (\w+)/.exec(await host.wharfOk("exec", "web", "ip", "route", "show", "default"))?.[1] ?? "";

test("the highest leads, from the start and as networks come and go; a second highest is refused", async () => {
	const networks = ["--network", "front", "--network", "name=back,alias=api,gw-priority=2"];
	await host.wharfOk("run", "-d", "--name", "web", ...networks, "host", "sleep", "1000");
	expect(await leading()).toBe("eth1");
	const refused = await host.wharf(["network", "connect", "--gw-priority", "2", "side", "web"]);
	expect(refused.stderr).toContain("leads through back, whose gateway priority is 2 too");
	expect(refused.exitCode).toBe(1);
	await host.wharfOk("network", "connect", "--gw-priority", "3", "side", "web");
	expect(await leading()).toBe("eth2");
	const inspected = JSON.parse(await host.wharfOk("inspect", "web")) as {
		NetworkSettings: { Networks: Record<string, { GwPriority: number }> };
	}[];
	const found = Object.entries(inspected[0]?.NetworkSettings.Networks ?? {});
	expect(Object.fromEntries(found.map(([name, { GwPriority }]) => [name, GwPriority]))).toEqual({
		front: 0,
		back: 2,
		side: 3,
	});
	await host.wharfOk("network", "disconnect", "side", "web");
	expect(await leading()).toBe("eth1");
	await host.wharfOk("stop", "-t", "0", "web");
	await host.wharfOk("start", "web");
	expect(await leading()).toBe("eth1");
	expect(await audit(host)).toEqual([]);
});
