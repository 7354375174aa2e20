/** A bridge with an uplink: containers on the segment of the host's interface, and the host's own way there, on the real kernel. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Ip } from "#lib/address/ip.ts";
import { ipJson } from "#lib/linux/test-support/scratch-netns.ts";
import { call, networkSpec, subnetSpec, tcp } from "../../test-support/netd.ts";
import { plugIn, ROUTER, serving } from "../../test-support/segment.ts";
import { OUTSIDE, showBridged, type Town, town } from "../../test-support/town.ts";

const HOST_THERE = "10.77.0.5";
const MOVES = {
	"wharf.bridge.uplink": "eth1",
	"wharf.bridge.uplink_move": "true",
	"com.docker.network.bridge.name": "seg0",
};

let t: Town;
beforeEach(async () => {
	t = await town();
	plugIn(t);
	for (const port of [7000, 7002]) await t.serve(t.outside, port);
});
afterEach(() => t[Symbol.asyncDispose]());

function create(options: Record<string, string>, more: Parameters<typeof networkSpec>[1] = {}) {
	const subnet = subnetSpec("10.77.0.0/24", { gateway: Ip.parse(ROUTER) });
	return t.it.netd.networks.create(networkSpec("lan", { subnets: [subnet], options, ...more }), call());
}

const station = (name: string) => serving(t, name, "lan");

/** The host's own on the segment: an address with a label, routes of several kinds. */
function settle(): void {
	const routes = [
		["198.51.100.0/24", "via", ROUTER, "proto", "static", "metric", "50", "mtu", "1400"],
		["198.51.101.9", "scope", "link", "src", HOST_THERE, "table", "77"],
		["2001:db8:9::/48", "via", "fe80::1", "metric", "7"],
	];
	t.run(t.host, "ip", "address", "add", `${HOST_THERE}/24`, "broadcast", "10.77.0.255", "dev", "eth1");
	t.run(t.host, "ip", "address", "add", "2001:db8:7::5/64", "dev", "eth1", "nodad");
	t.run(t.host, "ip", "address", "add", "10.77.0.6/32", "dev", "eth1", "valid_lft", "9000", "preferred_lft", "8000");
	for (const route of routes) t.run(t.host, "ip", "route", "add", ...route, "dev", "eth1");
}

/** What the host has at a link, with its MAC, in the words of ip(8) without what passes and the link's name. */
function layerOf(name: string) {
	const words = (...args: string[]) =>
		t
			.run(t.host, "ip", "-o", ...args)
			.replaceAll(new RegExp(`\\b${name}\\b`, "g"), "LINK")
			.replaceAll(/^\d+: |valid_lft \d+sec preferred_lft \d+sec| linkdown|\\ */gm, "")
			.split("\n")
			.map((line) => line.trim())
			.filter((line) => line !== "")
			.sort();
	const [link] = ipJson(t.host, "link", "show", name) as { address: string; master?: string }[];
	return {
		mac: link?.address,
		addresses: words("address", "show", "dev", name, "scope", "global"),
		routes: words("route", "show", "dev", name, "table", "all", "type", "unicast"),
		six: words("-6", "route", "show", "dev", name, "table", "main").filter((line) => !line.startsWith("fe80")),
	};
}

const masterOf = (name: string) => (ipJson(t.host, "link", "show", name) as { master?: string }[])[0]?.master;

test("an interface that carries addresses is refused, and the setting named; nothing has changed", async () => {
	settle();
	const before = [layerOf("eth1"), t.run(t.host, "ip", "-br", "link"), t.run(t.host, "nft", "list", "ruleset")];
	await expect(create({ "wharf.bridge.uplink": "eth1" })).rejects.toMatchObject({
		reason: "UPLINK_HAS_ADDRESSES",
		help: expect.stringContaining("wharf.bridge.uplink_move=true"),
	});
	expect([layerOf("eth1"), t.run(t.host, "ip", "-br", "link"), t.run(t.host, "nft", "list", "ruleset")]).toEqual(
		before,
	);
	expect(() => t.it.netd.networks.get("lan")).toThrow("There is no network");
});

describe.each([true, false])("bridged frames shown to the rules: %s", (shown) => {
	test("a bare interface: containers are stations of the segment, the host is none", async () => {
		showBridged(t.host, shown);
		const { network } = await create({ "wharf.bridge.uplink": "eth1" });
		expect([masterOf("eth1"), network.hostAddresses]).toEqual([network.interface, []]);
		const [one, two] = [await station("one"), await station("two")];
		expect(await t.ask(one.netns, two.address, 80)).toBe(one.address);
		// With its own address, by the segment's router.
		expect(await t.ask(one.netns, OUTSIDE, 7000)).toBe(one.address);
		expect(await t.ask(t.outside, one.address, 80)).toBe(ROUTER);
		expect(layerOf(network.interface ?? "").addresses).toEqual([]);
		const publishing = t.it.netd.ports.publish({ endpointId: one.id, ports: [tcp(8080, 80)] }, call());
		await expect(publishing).rejects.toMatchObject({ reason: "DRIVER_PUBLISHES_NOTHING" });
	});

	test("one with the host's addresses: they move to the bridge and back, and no flow notices", async () => {
		showBridged(t.host, shown);
		settle();
		const before = layerOf("eth1");
		await t.serve(t.host, 7001);
		const flows = [await t.hold(t.outside, HOST_THERE, 7001), await t.hold(t.host, ROUTER, 7002)];
		const { network } = await create(MOVES);
		expect(network.hostAddresses.map(String)).toEqual([`${HOST_THERE}/24`]);
		expect(layerOf("seg0")).toEqual(before);
		expect(layerOf("eth1")).toMatchObject({ addresses: [], six: [] });
		const one = await station("one");
		const web = await serving(t, "web", "bridge", [tcp(8080, 80)]);
		expect(await t.ask(t.host, one.address, 80)).toBe(HOST_THERE);
		expect(await t.ask(one.netns, HOST_THERE, 7001)).toBe(one.address);
		expect(await t.ask(one.netns, ROUTER, 7000)).toBe(one.address);
		expect(await t.ask(t.outside, one.address, 80)).toBe(ROUTER);
		// Other networks see the segment as outside: translated going, published ports alone coming.
		expect(await t.ask(web.netns, ROUTER, 7000)).toBe(HOST_THERE);
		expect(await t.ask(one.netns, HOST_THERE, 8080)).toBe(one.address);
		expect(await t.ask(t.outside, HOST_THERE, 8080)).not.toBe("");
		t.run(one.netns, "ip", "route", "add", `${web.address}/32`, "via", HOST_THERE);
		expect(await t.ask(one.netns, web.address, 80)).toBe("");
		await t.it.netd.endpoints.disconnect(one.id, call());
		await t.it.netd.networks.delete("lan", call());
		expect(layerOf("eth1")).toEqual(before);
		expect(masterOf("eth1")).toBeUndefined();
		for (const { cut } of flows) expect(await cut).toBe(false);
	});
});

describe("reconcile", () => {
	const harms: Record<string, readonly string[]> = {
		"the bridge is deleted": ["link", "del", "seg0"],
		"the bridge is taken down": ["link", "set", "seg0", "down"],
		"the interface is taken off": ["link", "set", "eth1", "nomaster"],
		"the interface gets an address again": ["address", "add", "10.77.0.7/24", "dev", "eth1"],
	};
	test.each(Object.entries(harms))("%s", async (_, harm) => {
		settle();
		await t.serve(t.host, 7001);
		await create(MOVES);
		const one = await station("one");
		t.run(t.host, "ip", ...harm);
		expect(await t.it.netd.reconcile.run()).toBe(0);
		expect(masterOf("eth1")).toBe("seg0");
		expect(layerOf("eth1").addresses).toEqual([]);
		expect(await t.ask(t.outside, HOST_THERE, 7001)).toBe(ROUTER);
		expect(await t.ask(t.outside, one.address, 80)).toBe(ROUTER);
		expect(t.run(t.host, "ip", "route", "get", "198.51.100.1")).toContain(`via ${ROUTER} dev seg0`);
		await t.it.netd.endpoints.disconnect(one.id, call());
		await t.it.netd.networks.delete("lan", call());
		expect(await t.ask(t.outside, HOST_THERE, 7001)).toBe(ROUTER);
		expect(t.run(t.host, "ip", "route", "get", "198.51.100.1")).toContain(`via ${ROUTER} dev eth1`);
	});

	test("a bridge of which the store knows nothing gives back what it took", async () => {
		settle();
		const before = layerOf("eth1");
		await create(MOVES);
		await t.it.store.write([{ sql: "DELETE FROM networks WHERE name = 'lan'", params: [] }]);
		await t.it.restart();
		expect(layerOf("eth1")).toEqual(before);
		expect(t.run(t.host, "ip", "-br", "link")).not.toContain("seg0");
	});

	test("a removal after the bridge was deleted gives back what was stored", async () => {
		settle();
		await t.serve(t.host, 7001);
		await create(MOVES);
		t.run(t.host, "ip", "link", "del", "seg0");
		await t.it.netd.networks.delete("lan", call());
		expect(await t.ask(t.outside, HOST_THERE, 7001)).toBe(ROUTER);
		expect(t.run(t.host, "ip", "route", "get", "198.51.100.1")).toContain(`via ${ROUTER} dev eth1`);
	});
});

test("masqueraded where that is asked: what the host leads on, and not what stays on the segment", async () => {
	settle();
	const options = { ...MOVES, "com.docker.network.bridge.enable_ip_masquerade": "true" };
	await create(options, { subnets: [subnetSpec("10.77.0.0/24", { gateway: Ip.parse(HOST_THERE) })] });
	showBridged(t.host, true);
	const one = await station("one");
	expect(await t.ask(one.netns, OUTSIDE, 7000)).toBe("192.0.2.1");
	expect(await t.ask(one.netns, ROUTER, 7000)).toBe(one.address);
});

test("an interface that is another's already is refused", async () => {
	await t.it.netd.networks.create(networkSpec("mac", { driver: "macvlan", options: { parent: "eth1" } }), call());
	await expect(create(MOVES)).rejects.toMatchObject({ reason: "PARENT_IN_USE" });
	await t.it.netd.networks.delete("mac", call());
	t.run(t.host, "ip", "link", "add", "br9", "type", "bridge");
	t.run(t.host, "ip", "link", "set", "eth1", "master", "br9");
	await expect(create(MOVES)).rejects.toThrow("it is a port of br9");
	expect(masterOf("eth1")).toBe("br9");
});

test("what the kernel refuses is taken back at once", async () => {
	settle();
	t.run(t.host, "ip", "link", "add", "link", "eth1", "name", "theirs0", "type", "macvlan");
	const before = layerOf("eth1");
	await expect(create(MOVES)).rejects.toMatchObject({
		reason: "KERNEL_REFUSED",
		message: expect.stringContaining("EBUSY"),
	});
	expect(layerOf("eth1")).toEqual(before);
	expect(t.run(t.host, "ip", "-br", "link")).not.toContain("seg0");
});
