/** A container on several networks: which of them leads elsewhere, as asked for at the command line. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { audit } from "../support/audit/audit.ts";
import { eventually } from "../support/eventually.ts";
import { Host, HOST_ADDRESS } from "../support/host.ts";
import { takeDown } from "../support/take-down.ts";
import { webServer } from "../support/web.ts";

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

test("ports are published on the network that leads, whichever was named first; they move when it is left, and go with the last", async () => {
	await host.wharfOk("network", "create", "--internal", "vault");
	const networks = ["vault", "front", "name=back,gw-priority=2"].flatMap((name) => ["--network", name]);
	await host.wharfOk("run", "-d", "--name", "shop", ...networks, "-p", "8081:80", "host", ...webServer(80, "shop"));
	const fetched = () => host.fetch(`http://${HOST_ADDRESS}:8081/`);
	const published = async (): Promise<string | undefined> => {
		const shown = await host.ok("nft", ["list", "map", "inet", "wharf", "published4"]);
		const address = / 8081 : ([\d.]+)/.exec(shown)?.[1];
		const [inspected] = JSON.parse(await host.wharfOk("inspect", "shop")) as [
			{ NetworkSettings: { Networks: Record<string, { IPAddress: string }> } },
		];
		return Object.entries(inspected.NetworkSettings.Networks).find(([, one]) => one.IPAddress === address)?.[0];
	};
	await eventually(async () => expect(await fetched()).toBe("shop"));
	expect(await published()).toBe("back");
	await host.wharfOk("network", "connect", "--gw-priority", "5", "side", "shop");
	expect([await published(), await fetched()]).toEqual(["back", "shop"]);
	await host.wharfOk("network", "disconnect", "back", "shop");
	expect([await published(), await fetched()]).toEqual(["side", "shop"]);
	await host.wharfOk("network", "disconnect", "front", "shop");
	expect([await published(), await fetched()]).toEqual(["side", "shop"]);
	await host.wharfOk("stop", "-t", "0", "shop");
	await host.wharfOk("start", "shop");
	await eventually(async () => expect(await fetched()).toBe("shop"));
	expect(await published()).toBe("side");
	await host.wharfOk("network", "disconnect", "side", "shop");
	expect(await published()).toBeUndefined();
	expect(await audit(host)).toEqual([]);
	await host.wharfOk("rm", "-f", "shop");
	const refused = await host.wharf(["run", "-d", "--network", "vault", "-p", "8081:80", "host", "sleep", "9"]);
	expect(refused.stderr).toContain("vault");
	expect(refused.exitCode).toBe(125);
	expect(await audit(host)).toEqual([]);
});
