/** Who reaches whom on a parent's segment, in each mode: on the real kernel, with a switch and a neighbour beyond the parent. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Ip } from "#lib/address/ip.ts";
import { IpRange } from "#lib/address/ip-range.ts";
import { ipJson } from "#lib/linux/test-support/scratch-netns.ts";
import { call, networkSpec, subnetSpec } from "../../test-support/netd.ts";
import { plugIn, ROUTER, serving } from "../../test-support/segment.ts";
import { OUTSIDE, type Town, town } from "../../test-support/town.ts";

let t: Town;
beforeEach(async () => {
	t = await town();
	plugIn(t);
	await t.serve(t.outside, 7000);
});
afterEach(() => t[Symbol.asyncDispose]());

async function create(mode: string, more: Record<string, string> = {}, internal = false, range = ""): Promise<void> {
	const ipRange = range === "" ? undefined : IpRange.parse(range);
	const subnet = subnetSpec("10.77.0.0/24", { ipRange, gateway: Ip.parse(ROUTER) });
	const options = { parent: "eth1", macvlan_mode: mode, ...more };
	await t.it.netd.networks.create(
		networkSpec("lan", { driver: "macvlan", subnets: [subnet], options, internal }),
		call(),
	);
}

const station = (name: string) => serving(t, name, "lan");

function linkIn(netns: string) {
	const [link] = ipJson(netns, "link", "show", "eth0") as {
		address: string;
		mtu: number;
		linkinfo: { info_kind: string; info_data: { mode: string } };
	}[];
	return {
		address: link?.address,
		mtu: link?.mtu,
		kind: link?.linkinfo.info_kind,
		mode: link?.linkinfo.info_data.mode,
	};
}

/** The first packets after the answers. */
test.each([
	["bridge", false, true],
	["private", false, false],
	["private", true, false],
	["vepa", false, false],
	["vepa", true, true],
])("%s, with a switch that sends back: %s; two stations meet: %s", async (mode, hairpin, meet) => {
	t.run(t.outside, "bridge", "link", "set", "dev", "port1", "hairpin", hairpin ? "on" : "off");
	await create(mode, { "com.docker.network.driver.mtu": "1400" });
	const [one, two] = [await station("one"), await station("two")];
	expect(await t.ask(one.netns, two.address, 80)).toBe(meet ? one.address : "");
	// With its own address: nothing translates. And the segment's router is the way to elsewhere.
	expect(await t.ask(one.netns, ROUTER, 7000)).toBe(one.address);
	expect(await t.ask(one.netns, OUTSIDE, 7000)).toBe(one.address);
	expect(await t.ask(t.outside, two.address, 80)).toBe(ROUTER);
	expect(linkIn(one.netns)).toEqual({ address: one.mac, mtu: 1400, kind: "macvlan", mode });
});

test("internal: neighbours on the segment, and no way beyond its router", async () => {
	await create("bridge", {}, true);
	const [one, two] = [await station("one"), await station("two")];
	expect(await t.ask(one.netns, two.address, 80)).toBe(one.address);
	expect(await t.ask(one.netns, ROUTER, 7000)).toBe(one.address);
	expect(await t.ask(one.netns, OUTSIDE, 7000)).toBe("");
});

test("passthru: the parent is the endpoint's, with its MAC, and as it was when that has gone", async () => {
	const macOf = () => (ipJson(t.host, "link", "show", "eth1") as { address: string }[])[0]?.address;
	const before = macOf();
	await create("passthru");
	const one = await station("one");
	expect(await t.ask(one.netns, ROUTER, 7000)).toBe(one.address);
	expect(await t.ask(t.outside, one.address, 80)).toBe(ROUTER);
	expect(macOf()).toBe(one.mac);
	await expect(station("two")).rejects.toMatchObject({
		reason: "NETWORK_TAKES_ONE",
		message: "The network lan takes one endpoint, as its mode is passthru, and one has it.",
	});
	await t.it.netd.sandboxes.delete(one.sandbox.id, call());
	expect(macOf()).toBe(before);
	const three = await station("three");
	expect(await t.ask(three.netns, ROUTER, 7000)).toBe(three.address);
});

test("the host's rules hold nothing of it, and the parent stays as it was", async () => {
	const seen = () => [
		t.run(t.host, "nft", "list", "ruleset"),
		t.run(t.host, "ip", "-4", "-o", "address", "show"),
		t.run(t.host, "ip", "-o", "link", "show", "eth1"),
	];
	const before = seen();
	await create("bridge");
	const one = await station("one");
	expect(seen().slice(0, 2)).toEqual(before.slice(0, 2));
	await t.it.netd.endpoints.disconnect(one.id, call());
	await t.it.netd.networks.delete("lan", call());
	expect(seen()).toEqual(before);
});

test("a shim: the host and its containers reach each other; others' segment and the host's own way there stay", async () => {
	const shim = { "wharf.macvlan.host_shim": "auto" };
	t.run(t.host, "ip", "address", "add", "10.77.0.5/24", "dev", "eth1");
	await expect(create("bridge", shim)).rejects.toMatchObject({ reason: "SHIM_RANGE_TAKEN" });
	const before = t.run(t.host, "ip", "-4", "-o", "address", "show");
	await create("bridge", shim, false, "10.77.0.128/25");
	const one = await station("one");
	const [own] = t.it.netd.networks.get("lan").hostAddresses;
	const host = String(own?.ip);
	await t.serve(t.host, 7001);
	// The first packets after the answers.
	expect(await t.ask(t.host, one.address, 80)).toBe(host);
	expect(await t.ask(one.netns, host, 7001)).toBe(one.address);
	expect(await t.ask(t.host, ROUTER, 7000)).toBe("10.77.0.5");
	expect(await t.ask(t.outside, "10.77.0.5", 7001)).toBe(ROUTER);
	expect(await t.ask(one.netns, ROUTER, 7000)).toBe(one.address);
	const name = t.run(t.host, "ip", "-br", "link", "show", "type", "macvlan").split("@")[0] ?? "";
	const route = () => t.run(t.host, "ip", "route", "get", one.address);
	for (const harm of [
		["link", "del", name],
		["link", "set", name, "down"],
		["address", "flush", "dev", name],
		["route", "del", "10.77.0.128/25"],
	]) {
		t.run(t.host, "ip", ...harm);
		expect(route()).not.toContain(`dev ${name}`);
		expect(await t.it.netd.reconcile.run()).toBe(0);
		expect(route()).toContain(`dev ${name} src ${host}`);
		expect(await t.ask(t.host, one.address, 80)).toBe(host);
	}
	await t.it.restart();
	expect(await t.ask(t.host, one.address, 80)).toBe(host);
	await t.it.netd.endpoints.disconnect(one.id, call());
	await t.it.netd.networks.delete("lan", call());
	expect(t.run(t.host, "ip", "-4", "-o", "address", "show")).toBe(before);
	expect(t.run(t.host, "ip", "route", "show")).not.toContain("10.77.0.128");
});

describe("reconcile", () => {
	test("puts back a link that somebody deleted, changed or took down; traffic flows as before", async () => {
		await create("bridge");
		const [one, two] = [await station("one"), await station("two")];
		for (const [file, ...args] of [
			["ip", "link", "del", "eth0"],
			["ip", "link", "set", "eth0", "down"],
			["ip", "link", "set", "eth0", "type", "macvlan", "mode", "private"],
		] as const) {
			t.run(one.netns, file, ...args);
			expect(await t.ask(one.netns, two.address, 80)).toBe("");
			expect(await t.it.netd.reconcile.run()).toBe(0);
			expect(await t.ask(one.netns, two.address, 80)).toBe(one.address);
			expect(await t.ask(one.netns, OUTSIDE, 7000)).toBe(one.address);
			expect(linkIn(one.netns)).toMatchObject({ address: one.mac, mode: "bridge" });
		}
	});

	test("a parent that is gone fails the endpoint with the reason, until it is back", async () => {
		await create("bridge");
		const one = await station("one");
		t.run(t.host, "ip", "link", "del", "eth1");
		expect(await t.it.netd.reconcile.run()).toBe(0);
		const failed = { state: "failed", reason: "The host has no interface eth1 that containers could be on." };
		expect(t.it.netd.endpoints.get(one.id).endpoint.status).toEqual(failed);
		expect(t.it.netd.networks.get("lan").status).toEqual(failed);
		t.run(t.host, "ip", "link", "add", "eth1", "type", "veth", "peer", "name", "port1", "netns", t.outside);
		t.run(t.outside, "ip", "link", "set", "port1", "master", "segment", "up");
		expect(await t.it.netd.reconcile.run()).toBe(0);
		expect(t.it.netd.networks.get("lan").status).toEqual({
			state: "failed",
			reason: "Containers cannot be on the interface eth1: it is down.",
		});
		t.run(t.host, "ip", "link", "set", "eth1", "up");
		expect(await t.it.netd.reconcile.run()).toBe(0);
		expect(t.it.netd.endpoints.get(one.id).endpoint.status).toEqual({ state: "active" });
		expect(t.it.netd.networks.get("lan").status).toEqual({ state: "active" });
		expect(await t.ask(one.netns, ROUTER, 7000)).toBe(one.address);
	});

	test("removes a stray of ours from a sandbox, and no other's macvlan", async () => {
		await create("bridge");
		const one = await station("one");
		for (const [name, alias] of [
			["stray0", `wharf endpoint ${"0".repeat(64)}`],
			["theirs0", "a note"],
		] as const) {
			t.run(t.host, "ip", "link", "add", "link", "eth1", "name", name, "type", "macvlan", "mode", "bridge");
			t.run(t.host, "ip", "link", "set", name, "alias", alias);
			t.run(t.host, "ip", "link", "set", name, "netns", one.netns);
		}
		expect(await t.it.netd.reconcile.run()).toBe(0);
		const names = (ipJson(one.netns, "link", "show") as { ifname: string }[]).map(({ ifname }) => ifname);
		expect(names.sort()).toEqual(["eth0", "lo", "theirs0"]);
	});
});

test.each([
	["eth7", "The host has no interface eth7"],
	["eth1", "it is a port of br9"],
	["far2", "it is down"],
])("the parent %s is refused, and nothing is left", async (parent, sentence) => {
	t.run(t.host, "ip", "link", "add", "br9", "type", "bridge");
	t.run(t.host, "ip", "link", "set", "eth1", "master", "br9");
	t.run(t.host, "ip", "link", "add", "eth2", "type", "veth", "peer", "name", "far2");
	const before = t.run(t.host, "ip", "-o", "link", "show");
	await expect(create("bridge", { parent })).rejects.toThrow(sentence);
	expect(t.run(t.host, "ip", "-o", "link", "show")).toBe(before);
	expect(() => t.it.netd.networks.get("lan")).toThrow("There is no network");
});
