/** Gateway modes and trusted interfaces: who reaches a container at its own address, on the real kernel. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { nftJson } from "#lib/linux/test-support/scratch-netns.ts";
import type { Sandbox } from "../../sandbox.ts";
import { BOTH_FAMILIES, call, connectSpec, networkSpec, sandboxSpec, tcp } from "../../test-support/netd.ts";
import { HOST, HOST6, OUTSIDE, OUTSIDE6, showBridged, type Town, town } from "../../test-support/town.ts";

const OURS = "com.docker.network.bridge.";

let t: Town;
/** Outside knows the ways to the containers' addresses. */
beforeEach(async () => {
	t = await town();
	t.run(t.outside, "ip", "route", "add", "fd00::/8", "via", HOST6);
});
afterEach(() => t[Symbol.asyncDispose]());

const sandbox = (name: string): Promise<Sandbox> => t.it.netd.sandboxes.create(sandboxSpec(name), call());

function create(name: string, options: Record<string, string>, internal = false) {
	const named = Object.fromEntries(Object.entries(options).map(([key, value]) => [OURS + key, value]));
	return t.it.netd.networks.create(networkSpec(name, { subnets: BOTH_FAMILIES, options: named, internal }), call());
}

async function connect(of: Sandbox, network: string, more: Parameters<typeof connectSpec>[2] = {}) {
	const { view } = await t.it.netd.endpoints.connect(connectSpec(network, of, more), call());
	const { id, addresses, ports } = view.endpoint;
	const at = (family: 4 | 6) => addresses.find(({ ip }) => ip.family === family)?.ip.toString() ?? "";
	return { id, four: at(4), six: at(6), ports };
}

/** A container that serves at 80, which is published, and at 81, which is not. */
async function web(network: string, ports = [tcp(8080, 80)]) {
	const of = await sandbox("web");
	const endpoint = await connect(of, network, { ports });
	for (const port of [80, 81]) for (const any of ["0.0.0.0", "::"]) await t.serve(of.netnsPath, port, any);
	return { ...endpoint, netns: of.netnsPath };
}

const elements = (set: string): unknown[] => {
	const [found] = (nftJson(t.host, "list", "set", "inet", "wharf", set) as { set?: { elem?: unknown[] } }[]).flatMap(
		(entry) => entry.set ?? [],
	);
	return found?.elem ?? [];
};

const pings = (netns: string, address: string): boolean => {
	try {
		t.run(netns, "ping", "-c1", "-W1", address);
		return true;
	} catch {
		return false;
	}
};

describe.each([true, false])("bridged frames shown to the rules: %s", (shown) => {
	test("nat and routed side by side: only published ports, at the host's address or at the container's own", async () => {
		showBridged(t.host, shown);
		await create("half", { gateway_mode_ipv6: "routed" });
		const { four, six, ports, netns } = await web("half");
		expect(ports).toMatchObject([{ hostPort: 8080, containerPort: 80 }]);
		const far = await sandbox("far");
		const { six: farSix } = await connect(far, (await create("other", {})).network.name);

		expect(await t.ask(t.outside, HOST, 8080)).toBe(OUTSIDE);
		for (const port of [80, 81]) expect(await t.ask(t.outside, four, port)).toBe("");
		expect(await t.ask(t.outside, HOST6, 8080)).toBe("");
		expect(await t.ask(t.outside, six, 80)).toBe(OUTSIDE6);
		expect(await t.ask(t.outside, six, 81)).toBe("");
		expect([pings(t.outside, six), pings(t.outside, four)]).toEqual([true, false]);
		expect(await t.ask(far.netnsPath, six, 80)).toBe(farSix);
		expect(await t.ask(far.netnsPath, six, 81)).toBe("");
		expect(await t.ask(far.netnsPath, four, 80)).toBe("");

		await t.serve(t.outside, 7000);
		await t.serve(t.outside, 7000, "::");
		expect(await t.ask(netns, OUTSIDE, 7000)).toBe(HOST);
		expect(await t.ask(netns, OUTSIDE6, 7000)).toBe(six);
		// The port of the host is IPv4's alone.
		await t.serve(t.host, 8080, "::1");
	});
});

test("all routed: no port of the host's; unpublishing cuts what is established; as before after a restart", async () => {
	await create("own", { gateway_mode_ipv4: "routed", gateway_mode_ipv6: "routed" });
	const { id, four, six, ports } = await web("own", [tcp(8080, 80), tcp(8081, 80), tcp(0, 80), tcp(0, 82)]);
	expect(ports.map(({ hostPort, containerPort }) => [hostPort, containerPort])).toEqual([
		[0, 80],
		[0, 82],
	]);
	expect(await t.ask(t.outside, four, 80)).toBe(OUTSIDE);
	expect(await t.ask(t.outside, six, 80)).toBe(OUTSIDE6);
	expect(await t.ask(t.outside, HOST, 8080)).toBe("");
	await t.serve(t.host, 8080);
	const { endpoint } = await t.it.netd.ports.publish({ endpointId: id, ports: [tcp(9999, 81), tcp(0, 80)] }, call());
	expect(endpoint.ports.map(({ containerPort }) => containerPort).sort()).toEqual([80, 81, 82]);
	const [doomed, kept] = [await t.hold(t.outside, four, 80), await t.hold(t.outside, six, 81)];
	await t.it.restart();
	await t.it.netd.ports.unpublish({ endpointId: id, ports: [tcp(0, 80)] }, call());
	expect(await doomed.cut).toBe(true);
	expect(await kept.cut).toBe(false);
	expect(await t.ask(t.outside, six, 80)).toBe("");
	expect(t.it.netd.endpoints.get(id).endpoint.ports.map(({ containerPort }) => containerPort)).toEqual([81, 82]);
	t.run(t.host, "nft", "flush", "set", "inet", "wharf", "open4");
	t.run(t.host, "nft", "add", "element", "inet", "wharf", "open6", `{ tcp . ${six} . 80 }`);
	t.run(t.host, "nft", "flush", "set", "inet", "wharf", "routed4");
	expect(await t.ask(t.outside, four, 81)).toBe("");
	expect(await t.it.netd.reconcile.run()).toBe(0);
	expect(await t.ask(t.outside, four, 81)).toBe(OUTSIDE);
	expect(await t.ask(t.outside, six, 80)).toBe("");
	await t.it.netd.endpoints.disconnect(id, call());
	expect([...elements("open4"), ...elements("open6")]).toEqual([]);
	await t.it.netd.networks.delete("own", call());
	expect([...elements("routed4"), ...elements("routed6")]).toEqual([]);
});

test("routed: an address of the host's is refused, and nothing is left; a family is chosen by its unspecified address", async () => {
	await create("own", { gateway_mode_ipv4: "routed", gateway_mode_ipv6: "routed" });
	const of = await sandbox("web");
	await expect(connect(of, "own", { ports: [tcp(8080, 80, "127.0.0.1")] })).rejects.toMatchObject({
		reason: "PORT_IS_ROUTED",
		message: expect.stringContaining("Nothing of own can be published at 127.0.0.1"),
	});
	expect(t.it.kernel.links.interfaces(of.netnsPath)).toEqual(["lo"]);
	const { four, six } = await connect(of, "own", { ports: [tcp(0, 80, "::")] });
	for (const any of ["0.0.0.0", "::"]) await t.serve(of.netnsPath, 80, any);
	expect(await t.ask(t.outside, six, 80)).toBe(OUTSIDE6);
	expect(await t.ask(t.outside, four, 80)).toBe("");
});

test("nat-unprotected: every port from outside, none from other networks", async () => {
	await create("bare", { gateway_mode_ipv4: "nat-unprotected" });
	const { four, six, netns } = await web("bare");
	const far = await sandbox("far");
	await connect(far, "bridge");
	expect(await t.ask(t.outside, HOST, 8080)).toBe(OUTSIDE);
	for (const port of [80, 81]) expect(await t.ask(t.outside, four, port)).toBe(OUTSIDE);
	for (const port of [80, 81]) expect(await t.ask(t.outside, six, port)).toBe("");
	for (const port of [80, 81]) expect(await t.ask(far.netnsPath, four, port)).toBe("");
	await t.serve(t.outside, 7000);
	expect(await t.ask(netns, OUTSIDE, 7000)).toBe(HOST);
});

test("isolated: the bridge has no address, and the network no gateway; neighbours meet", async () => {
	const modes = { gateway_mode_ipv4: "isolated", gateway_mode_ipv6: "isolated" };
	await expect(create("alone", modes)).rejects.toMatchObject({ reason: "INVALID_OPTION" });
	const { network } = await create("alone", modes, true);
	expect(network.subnets.map(({ gateway }) => gateway)).toEqual([undefined, undefined]);
	const addresses = () =>
		t.run(t.host, "ip", "-o", "address", "show", "dev", network.interface ?? "", "scope", "global");
	expect(addresses()).toBe("");
	const near = await sandbox("near");
	const { four: nearFour } = await connect(near, "alone");
	const of = await sandbox("web");
	const { four } = await connect(of, "alone");
	await t.serve(of.netnsPath, 80);
	expect(await t.ask(near.netnsPath, four, 80)).toBe(nearFour);
	expect(await t.ask(t.host, four, 80)).toBe("");
	const gateway = four.replace(/\d+$/, "1");
	expect(pings(near.netnsPath, gateway)).toBe(false);
	t.run(t.host, "ip", "address", "add", `${gateway}/24`, "dev", network.interface ?? "");
	expect(await t.it.netd.reconcile.run()).toBe(0);
	expect(addresses()).toBe("");
});

test("trusted interfaces reach published ports at the container's address, also those published on the loopback", async () => {
	t.run(t.host, "ip", "link", "add", "vpn0", "type", "veth", "peer", "name", "vpn1", "netns", t.outside);
	t.run(t.host, "ip", "address", "add", "198.51.100.1/24", "dev", "vpn0");
	t.run(t.host, "ip", "link", "set", "vpn0", "up");
	t.run(t.outside, "ip", "address", "add", "198.51.100.2/24", "dev", "vpn1");
	t.run(t.outside, "ip", "link", "set", "vpn1", "up");
	await create("trusting", { trusted_host_interfaces: "vpn0:not.there" });
	const { four, id } = await web("trusting", [tcp(8080, 80, "127.0.0.1"), tcp(8081, 80)]);
	expect(await t.ask(t.outside, four, 80)).toBe("");
	t.run(t.outside, "ip", "route", "add", `${four}/32`, "via", "198.51.100.1");
	expect(await t.ask(t.outside, four, 80)).toBe("198.51.100.2");
	expect(await t.ask(t.outside, four, 81)).toBe("");
	await t.it.netd.ports.unpublish({ endpointId: id, ports: [tcp(8081, 0)] }, call());
	expect(await t.ask(t.outside, four, 80)).toBe("198.51.100.2");
	t.run(t.host, "nft", "flush", "set", "inet", "wharf", "trusted");
	expect(await t.ask(t.outside, four, 80)).toBe("");
	expect(await t.it.netd.reconcile.run()).toBe(0);
	expect(await t.ask(t.outside, four, 80)).toBe("198.51.100.2");
	await t.it.netd.ports.unpublish({ endpointId: id, ports: [] }, call());
	expect(await t.ask(t.outside, four, 80)).toBe("");
	await t.it.netd.endpoints.disconnect(id, call());
	await t.it.netd.networks.delete("trusting", call());
	expect(elements("trusted")).toEqual([]);
});
