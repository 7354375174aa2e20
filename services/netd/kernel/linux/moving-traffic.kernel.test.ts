/** What neighbours know of addresses that go, and come back at another interface; and of the bridge that they all are on. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Ip } from "#lib/address/ip.ts";
import { parseMac } from "#lib/address/mac.ts";
import { ipJson } from "#lib/linux/test-support/scratch-netns.ts";
import type { ConnectSpec } from "../../endpoints.ts";
import type { TextMap } from "../../network.ts";
import type { Sandbox } from "../../sandbox.ts";
import { call, connectSpec, networkSpec, sandboxSpec, subnetSpec } from "../../test-support/netd.ts";
import { type Town, town } from "../../test-support/town.ts";

let t: Town;
beforeEach(async () => {
	t = await town();
});
afterEach(() => t[Symbol.asyncDispose]());

const ADDRESSES = ["10.99.0.50", "fd00:99::50"];
const CIDRS = ["10.99.0.0/24", "fd00:99::/64"];
const OLD = "02:00:00:00:00:11";
const NEW = "02:00:00:00:00:99";

/** Its bridge's name. */
async function lan(driver = "bridge", options: TextMap = {}, cidrs = CIDRS): Promise<string> {
	const subnets = cidrs.map((cidr) => subnetSpec(cidr));
	const { network } = await t.it.netd.networks.create(networkSpec("lan", { subnets, driver, options }), call());
	return network.interface ?? "";
}

/** With a MAC: at the address that moves. */
async function connect(name: string, mac?: string): Promise<Sandbox> {
	const sandbox = await t.it.netd.sandboxes.create(sandboxSpec(name), call());
	const more = mac === undefined ? {} : { addresses: ADDRESSES.map((text) => Ip.parse(text)), mac: parseMac(mac) };
	await t.it.netd.endpoints.connect(connectSpec("lan", sandbox, more), call());
	return sandbox;
}

const macOf = (netns: string, name: string): string => ipJson(netns, "link", "show", "dev", name)[0].address;

/** One packet, and one second. */
const ping = (netns: string, address: string): string => t.run(netns, "ping", "-c1", "-W1", address);

function knows(netns: string, dev: string, nud: "reachable" | "permanent" = "reachable"): void {
	for (const address of ADDRESSES)
		t.run(netns, "ip", "neigh", "replace", address, "lladdr", OLD, "dev", dev, "nud", nud);
}

test("an address that another interface has now is reached by the very first packet, of both families", async () => {
	const bridge = await lan();
	const near = await connect("near");
	const before = await connect("before", OLD);
	for (const address of ADDRESSES) ping(near.netnsPath, address);
	await t.it.netd.sandboxes.delete(before.id, call());
	knows(near.netnsPath, "eth0");
	knows(t.host, bridge);
	// The kernel looks after carriers at most once a second: without a pause a port forwards by chance from the start.
	await sleep(1_500);
	await connect("after", NEW);
	for (const netns of [near.netnsPath, t.host]) {
		for (const address of ADDRESSES) expect(ping(netns, address)).toContain(" 0% packet loss");
	}
});

describe.each([
	["IPv4", CIDRS.slice(0, 1), ["10.99.0.50"]],
	["both families, at the same place of their subnets", CIDRS, ["10.99.0.50", "fd00:99::32"]],
])("%s", (_, cidrs, own) => {
	/** How many ARP messages with the address as their sender have come to the sandbox: none but those that tell it to everybody. */
	const listen = ({ netnsPath }: Sandbox): (() => number) => {
		const rules = `table arp heard { chain input { type filter hook input priority 0; arp saddr ip ${own[0]} counter\n }; }`;
		t.run(netnsPath, "nft", rules);
		return () => Number(/packets (\d+)/.exec(t.run(netnsPath, "nft", "list", "table", "arp", "heard"))?.[1]);
	};

	async function connectThere(name: string, more: Partial<ConnectSpec> = {}): Promise<Sandbox> {
		const sandbox = await t.it.netd.sandboxes.create(sandboxSpec(name), call());
		await t.it.netd.endpoints.connect(
			connectSpec("lan", sandbox, { addresses: own.map((text) => Ip.parse(text)), ...more }),
			call(),
		);
		return sandbox;
	}

	test("an address that always has the MAC it makes is told to nobody, and reached by the first packet again", async () => {
		await lan("bridge", {}, cidrs);
		const near = await connect("near");
		const before = await connectThere("before");
		for (const address of own) expect(ping(near.netnsPath, address)).toContain(" 0% packet loss");
		await t.it.netd.sandboxes.delete(before.id, call());
		await sleep(1_500);
		const heard = listen(near);
		await connectThere("after");
		expect(heard()).toBe(0);
		for (const address of own) expect(ping(near.netnsPath, address)).toContain(" 0% packet loss");
	});

	test("one that another MAC had before is told, and reached by the first packet", async () => {
		const bridge = await lan("bridge", {}, cidrs);
		const near = await connect("near");
		const before = await connectThere("before", { mac: parseMac(OLD) });
		await t.it.netd.sandboxes.delete(before.id, call());
		for (const [netns, dev] of [
			[near.netnsPath, "eth0"],
			[t.host, bridge],
		] as const)
			for (const address of own)
				t.run(netns, "ip", "neigh", "replace", address, "lladdr", OLD, "dev", dev, "nud", "reachable");
		await sleep(1_500);
		const heard = listen(near);
		await connectThere("after");
		expect(heard()).toBeGreaterThan(0);
		for (const netns of [near.netnsPath, t.host])
			for (const address of own) expect(ping(netns, address)).toContain(" 0% packet loss");
	});
});

test("the host reaches it also where somebody has written another one's MAC there for good", async () => {
	const bridge = await lan();
	knows(t.host, bridge, "permanent");
	await connect("after", NEW);
	for (const address of ADDRESSES) expect(ping(t.host, address)).toContain(" 0% packet loss");
});

test("so it does by its own link on a macvlan's segment", async () => {
	await lan("macvlan", { parent: "out0", "wharf.macvlan.host_shim": "auto" });
	const [shim = ""] = /ws-[0-9a-f]{12}/.exec(t.run(t.host, "ip", "link", "show", "type", "macvlan")) ?? [];
	knows(t.host, shim, "permanent");
	await connect("after", NEW);
	for (const address of ADDRESSES) expect(ping(t.host, address)).toContain(" 0% packet loss");
	knows(t.host, shim, "permanent");
	expect(await t.it.netd.reconcile.run()).toBe(0);
	for (const address of ADDRESSES) expect(ping(t.host, address)).toContain(" 0% packet loss");
});

test("so is one on a macvlan's segment", async () => {
	await lan("macvlan", { parent: "out0" });
	t.run(t.outside, "ip", "addr", "add", "10.99.0.1/24", "dev", "out1");
	t.run(t.outside, "ip", "addr", "add", "fd00:99::1/64", "dev", "out1", "nodad");
	knows(t.outside, "out1");
	await connect("after", NEW);
	for (const address of ADDRESSES) expect(ping(t.outside, address)).toContain(" 0% packet loss");
});

test("a bridge has one MAC for its life, and an endpoint the one of its address", async () => {
	const bridge = await lan();
	const mac = macOf(t.host, bridge);
	// A bridge that has none of its own takes the lowest of its ports'.
	const low = await connect("low", "00:00:00:00:00:01");
	t.run(t.host, "ip", "link", "add", "low0", "address", "00:00:00:00:00:02", "type", "veth", "peer", "low1");
	t.run(t.host, "ip", "link", "set", "low0", "master", bridge, "up");
	expect(macOf(t.host, bridge)).toBe(mac);
	const near = await connect("near");
	expect(macOf(near.netnsPath, "eth0")).toBe("02:42:0a:63:00:02");
	const local = t.run(near.netnsPath, "ip", "-6", "-o", "addr", "show", "dev", "eth0", "scope", "link");
	expect(local.match(/fe80::\S+/g)).toEqual(["fe80::42:aff:fe63:2/64"]);
	t.run(t.host, "ip", "link", "del", "low0");
	await t.it.netd.sandboxes.delete(low.id, call());
	expect(macOf(t.host, bridge)).toBe(mac);
});
