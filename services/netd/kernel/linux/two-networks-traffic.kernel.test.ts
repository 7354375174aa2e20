/** Clients that share a network with a container whose port is published on another of its networks. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Sandbox } from "../../sandbox.ts";
import { BOTH_FAMILIES, call, connectSpec, networkSpec, sandboxSpec, tcp } from "../../test-support/netd.ts";
import { HOST, HOST6, OUTSIDE, OUTSIDE6, showBridged, type Town, town } from "../../test-support/town.ts";

let t: Town;
beforeEach(async () => {
	t = await town();
	for (const name of ["front", "back", "side"])
		await t.it.netd.networks.create(networkSpec(name, { subnets: BOTH_FAMILIES }), call());
});
afterEach(() => t[Symbol.asyncDispose]());

const sandbox = (name: string): Promise<Sandbox> => t.it.netd.sandboxes.create(sandboxSpec(name), call());

/** Its addresses on the network. */
async function connect(of: Sandbox, network: string, more: Parameters<typeof connectSpec>[2] = {}): Promise<string[]> {
	const { view } = await t.it.netd.endpoints.connect(connectSpec(network, of, more), call());
	return view.endpoint.addresses.map(({ ip }) => ip.toString());
}

async function disconnect(of: Sandbox, network: string): Promise<void> {
	const { items } = t.it.netd.endpoints.list({ network, sandboxId: of.id }, { after: 0, limit: 9 });
	for (const { endpoint } of items) await t.it.netd.endpoints.disconnect(endpoint.id, call());
}

const shortcuts = (): number =>
	["shortcuts4", "shortcuts6"]
		.map((set) => t.run(t.host, "nft", "list", "set", "inet", "wharf", set))
		.flatMap((text) => text.match(/"wh-/g) ?? []).length;

test.each([
	["front", true],
	["front", false],
	["back", true],
	["back", false],
] as const)(
	"all of them get an answer, and others' sources are kept; default route on %s, bridged frames shown: %s",
	async (leading, shown) => {
		showBridged(t.host, shown);
		const [web, near, far] = [await sandbox("web"), await sandbox("near"), await sandbox("far")];
		const own = await connect(web, "back", { ports: [tcp(8080, 80)], gatewayPriority: leading === "back" ? 1 : 0 });
		await connect(web, "front", { gatewayPriority: leading === "front" ? 1 : 0 });
		await connect(near, "front");
		const elsewhere = await connect(far, "side");
		await t.serve(web.netnsPath, 80);
		await t.serve(web.netnsPath, 80, "::");
		for (const [at, address] of [HOST, HOST6].entries()) {
			const gateway = own[at]?.replace(/[^.:]+$/, "1");
			expect(await t.ask(near.netnsPath, address, 8080)).toBe(gateway);
			expect(await t.ask(web.netnsPath, address, 8080)).toBe(gateway);
			expect(await t.ask(far.netnsPath, address, 8080)).toBe(elsewhere[at]);
			expect(await t.ask(t.outside, address, 8080)).toBe([OUTSIDE, OUTSIDE6][at]);
		}
	},
);

test.each([
	["an internal network, which leads nowhere", { internal: true }, true],
	["one that leads", {}, true],
	["an internal network, bridged frames not shown", { internal: true }, false],
	["one that leads, bridged frames not shown", {}, false],
] as const)(
	"its priority is the highest, %s: a port of another network is published there, and answers come back",
	async (_, more, shown) => {
		showBridged(t.host, shown);
		const automatic = { cidr: undefined, ipRange: undefined, gateway: undefined, auxiliary: {} };
		const subnets = ([4, 6] as const).map((family) => ({ ...automatic, family }));
		await t.it.netd.networks.create(networkSpec("first", { subnets, ...more }), call());
		const [web, near, far] = [await sandbox("web"), await sandbox("near"), await sandbox("far")];
		await connect(web, "first", { gatewayPriority: 7 });
		const own = await connect(web, "front", { ports: [tcp(8080, 80)] });
		const leading = t.run(web.netnsPath, "ip", "route", "show", "default");
		expect(leading).toContain("internal" in more ? "dev eth1" : "dev eth0");
		const beside = await connect(near, "first");
		const elsewhere = await connect(far, "side");
		await t.serve(web.netnsPath, 80);
		await t.serve(web.netnsPath, 80, "::");
		for (const [at, address] of [HOST, HOST6].entries()) {
			const gateway = own[at]?.replace(/[^.:]+$/, "1");
			expect(await t.ask(t.outside, address, 8080)).toBe([OUTSIDE, OUTSIDE6][at]);
			expect(await t.ask(t.host, address, 8080)).toBe(gateway);
			expect(await t.ask(far.netnsPath, address, 8080)).toBe(elsewhere[at]);
			expect(await t.ask(web.netnsPath, address, 8080)).toBe(gateway);
			// From an internal network nothing leads out, to the host's addresses neither.
			expect(await t.ask(near.netnsPath, address, 8080)).toBe("internal" in more ? "" : gateway);
			expect(beside[at]).toBeDefined();
		}
		const flow = await t.hold(t.outside, HOST, 8080);
		await disconnect(web, "first");
		expect(await t.ask(t.outside, HOST6, 8080)).toBe(OUTSIDE6);
		expect(await flow.cut).toBe(false);
	},
);

test("what that takes is put back, and goes with either network, or with the sandbox", async () => {
	const [web, near] = [await sandbox("web"), await sandbox("near")];
	await connect(web, "back", { ports: [tcp(8080, 80)] });
	expect(shortcuts()).toBe(0);
	await connect(web, "front");
	await connect(near, "front");
	await t.serve(web.netnsPath, 80);
	expect(shortcuts()).toBe(4);
	await t.it.restart();
	expect(shortcuts()).toBe(4);
	t.run(t.host, "nft", "flush", "set", "inet", "wharf", "shortcuts4");
	expect(await t.it.netd.reconcile.run()).toBe(0);
	expect(shortcuts()).toBe(4);
	expect(await t.ask(near.netnsPath, HOST, 8080)).not.toBe("");
	await connect(web, "side");
	expect(shortcuts()).toBe(12);
	await disconnect(web, "side");
	await disconnect(web, "front");
	expect(shortcuts()).toBe(0);
	await connect(web, "front");
	expect(shortcuts()).toBe(4);
	await t.it.netd.sandboxes.delete(web.id, call());
	expect(shortcuts()).toBe(0);
});
