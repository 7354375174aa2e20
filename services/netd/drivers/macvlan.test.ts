/** Macvlan networks by netd's use cases, on the models. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseIfName } from "#lib/address/if-name.ts";
import { IpRange } from "#lib/address/ip-range.ts";
import { newId, shimName } from "../id.ts";
import type { ModelKernel } from "../kernel/model/model.ts";
import type { ModelAllocator } from "../peers/model-allocator.ts";
import type { Sandbox } from "../sandbox.ts";
import {
	type Bench,
	call,
	connectSpec,
	modelBench,
	networkSpec,
	sandboxSpec,
	subnetSpec,
	tcp,
} from "../test-support/netd.ts";

const SHIM = "wharf.macvlan.host_shim";
const MTU = "com.docker.network.driver.mtu";
const ETH1 = parseIfName("eth1");

let it: Bench<ModelKernel, ModelAllocator>;
let alice: Sandbox;
let bob: Sandbox;
beforeEach(async () => {
	it = await modelBench();
	it.kernel.addForeignLink(ETH1);
	alice = await it.netd.sandboxes.create(sandboxSpec("alice"), call());
	bob = await it.netd.sandboxes.create(sandboxSpec("bob"), call());
});
afterEach(() => it[Symbol.asyncDispose]());

const everything = () => ({ kernel: it.kernel.snapshot(), leases: it.allocator.snapshot() });
const create = (name: string, options: Record<string, string> = { parent: "eth1" }, internal = false) =>
	it.netd.networks.create(networkSpec(name, { driver: "macvlan", options, internal }), call());
const connect = (of: Sandbox, network = "lan", more = {}) =>
	it.netd.endpoints.connect(connectSpec(network, of, more), call());
const macvlans = (of: Sandbox) => it.kernel.links.macvlans(of.netnsPath);

describe("a network", () => {
	test("is on its parent, with no link, rule or translation of its own", async () => {
		const before = it.kernel.snapshot();
		const { network } = await create("lan");
		expect(network).toMatchObject({ driver: "macvlan", interface: undefined, resolvesNames: true });
		expect(it.kernel.snapshot()).toEqual(before);
		await it.netd.networks.delete("lan", call());
		expect(it.kernel.snapshot()).toEqual(before);
	});

	test("without a parent has one that leads nowhere; eth1.30 has the sub-interface, unless that is there", async () => {
		const { network: alone } = await create("alone", {}, true);
		expect(alone.interface).toBe(`wh-${alone.id.slice(0, 12)}`);
		const { network: tagged } = await create("tagged", { parent: "eth1.30" });
		expect(tagged.interface).toBe("eth1.30");
		expect([...it.kernel.state.parents.keys()]).toEqual([alone.interface, "eth1.30"]);
		it.kernel.addForeignLink(parseIfName("eth1.31"));
		expect((await create("given", { parent: "eth1.31" })).network.interface).toBeUndefined();
		for (const name of ["alone", "tagged", "given"]) await it.netd.networks.delete(name, call());
		expect([...it.kernel.state.parents.keys()]).toEqual([]);
		expect([...it.kernel.state.foreign]).toEqual(["eth1", "eth1.31"]);
	});

	test.each([
		["a parent that is not there", { parent: "eth7" }, "PARENT_NOT_FOUND"],
		["a sub-interface of one that is not there", { parent: "eth7.3" }, "PARENT_NOT_FOUND"],
		["no parent where the kernel has no dummy", {}, "LINK_KIND_UNSUPPORTED"],
		["a sub-interface where the kernel has none", { parent: "eth1.30" }, "LINK_KIND_UNSUPPORTED"],
		["an MTU that the parent has not", { parent: "eth1", [MTU]: "9000" }, "PARENT_UNUSABLE"],
		["a shim in another mode", { parent: "eth1", macvlan_mode: "vepa", [SHIM]: "auto" }, "INVALID_OPTION"],
		["a shim's address without its subnet", { parent: "eth1", [SHIM]: "10.61.1.9" }, "INVALID_OPTION"],
		["an unknown option", { parent: "eth1", mode: "bridge" }, "UNKNOWN_OPTION"],
	])("%s is refused, and nothing has changed", async (_, options, reason) => {
		for (const kind of ["dummy", "802.1q"] as const) it.kernel.state.lacking.add(kind);
		const before = everything();
		await expect(create("lan", options as Record<string, string>)).rejects.toMatchObject({ reason });
		expect(everything()).toEqual(before);
		expect(() => it.netd.networks.get("lan")).toThrow("There is no network");
	});

	test("internal, and on a parent has no way out by a gateway; that the segment is there is said", async () => {
		const { warnings } = await create("lan", { parent: "eth1" }, true);
		expect(warnings).toEqual([expect.stringContaining("they are on the segment of eth1")]);
		await connect(alice);
		expect(it.kernel.links.observeInside(alice.netnsPath).defaultRoutes).toEqual(new Set());
		expect(it.netd.names.find(alice.id)?.forwards).toBe(false);
		expect((await create("alone", {}, true)).warnings).toEqual([]);
	});

	test("shares its parent, but not in passthru, and not one that goes with another network", async () => {
		await create("one");
		await create("two", { parent: "eth1", macvlan_mode: "private" });
		const third = create("three", { parent: "eth1", macvlan_mode: "passthru" });
		await expect(third).rejects.toMatchObject({ reason: "PARENT_IN_USE" });
		for (const name of ["one", "two"]) await it.netd.networks.delete(name, call());
		const both = [create("three", { parent: "eth1", macvlan_mode: "passthru" }), create("four")];
		const outcomes = (await Promise.allSettled(both)).map(({ status }) => status);
		expect(outcomes.sort()).toEqual(["fulfilled", "rejected"]);
		await create("tagged", { parent: "eth1.30" });
		await expect(create("more", { parent: "eth1.30" })).rejects.toMatchObject({ reason: "PARENT_IN_USE" });
	});
});

describe("a network with the host on it", () => {
	const options = { parent: "eth1", [SHIM]: "auto" };

	test("has a link of the host's and a leased address; both go with it", async () => {
		const before = everything();
		const { network } = await create("lan", options);
		const name = shimName(network.id);
		expect(network.hostAddresses.map(String)).toEqual(["10.61.2.2/24"]);
		expect(it.allocator.snapshot().leases).toEqual(["10.61.2.2"]);
		expect(it.kernel.state.shims.get(name)).toMatchObject({ parent: "eth1", mac: "02:42:0a:3d:02:02" });
		expect(it.netd.networks.get("lan").hostAddresses).toEqual(network.hostAddresses);
		const { view } = await connect(alice);
		expect(view.endpoint.addresses.map(String)).toEqual(["10.61.2.3/24"]);
		await it.netd.endpoints.disconnect(view.endpoint.id, call());
		it.kernel.resolver.remove(alice.netnsPath);
		await it.netd.networks.delete("lan", call());
		expect(everything()).toEqual(before);
	});

	test("has the addresses that were asked for, within the range that is given", async () => {
		const subnet = subnetSpec("10.99.0.0/24", { ipRange: IpRange.parse("10.99.0.128/25") });
		const asked = { driver: "macvlan", subnets: [subnet], options: { ...options, [SHIM]: "10.99.0.9" } };
		const { network } = await it.netd.networks.create(networkSpec("lan", asked), call());
		const [way] = it.kernel.state.shims.get(shimName(network.id))?.ways ?? [];
		expect([String(way?.address), String(way?.range)]).toEqual(["10.99.0.9", "10.99.0.128/25"]);
	});

	test.each(["links.ensureShim", "links.ensureParent"])("leaves nothing when %s fails", async (name) => {
		const before = everything();
		it.kernel.fail(name);
		await expect(create("lan", options)).rejects.toMatchObject({ reason: "KERNEL_REFUSED" });
		expect(everything()).toEqual(before);
	});

	test("is put back, with its lease; a stray is removed, and what a crash left as well", async () => {
		const { network } = await create("lan", options);
		const before = everything();
		it.kernel.state.shims.clear();
		const [lease] = await it.allocator.leases();
		await it.allocator.releaseAddresses([lease!]);
		const stray = { name: shimName(newId()), networkId: newId(), parent: ETH1, mac: "02:00:00:00:00:01" as never };
		it.kernel.links.ensureShim({ ...stray, mtu: undefined, ways: [] });
		expect(await it.netd.reconcile.run()).toBe(0);
		expect(everything()).toEqual(before);
		const forget = "UPDATE networks SET state = 'creating', host_side = '{}', subnets = '[]' WHERE id = ?";
		await it.store.write([{ sql: forget, params: [network.id] }]);
		await it.restart();
		expect(it.kernel.state.shims.size).toBe(0);
		expect(it.allocator.snapshot().leases).toEqual([]);
	});
});

describe("an endpoint", () => {
	beforeEach(() => create("lan"));

	test("has interface, address, MAC from it, default route and names, and nothing on the host", async () => {
		const host = everything().kernel;
		const { view } = await connect(alice);
		expect(view.endpoint).toMatchObject({ interface: "eth0", mac: "02:42:0a:3d:02:02", status: { state: "active" } });
		expect(macvlans(alice)).toEqual([
			{ interface: "eth0", endpointId: view.endpoint.id, parent: "eth1", mode: "bridge", up: true },
		]);
		const { routes, redirect } = it.kernel.state.sandbox(alice.netnsPath);
		expect([routes[4]?.toString(), redirect]).toEqual(["10.61.2.1", alice.resolverPort]);
		expect(it.netd.names.find(alice.id)?.endpoints).toHaveLength(1);
		expect(it.kernel.links.observe().legs).toEqual([]);
		await it.netd.endpoints.disconnect(view.endpoint.id, call());
		it.kernel.resolver.remove(alice.netnsPath);
		expect(everything().kernel).toEqual(host);
	});

	test("publishes nothing, at connecting and later; the sentence says why", async () => {
		const refusal = { reason: "DRIVER_PUBLISHES_NOTHING", message: expect.stringContaining("at their own addresses") };
		const before = everything();
		await expect(connect(alice, "lan", { ports: [tcp(8080, 80)] })).rejects.toMatchObject(refusal);
		expect(everything()).toEqual(before);
		const { view } = await connect(alice);
		const publishing = it.netd.ports.publish({ endpointId: view.endpoint.id, ports: [tcp(8080, 80)] }, call());
		await expect(publishing).rejects.toMatchObject(refusal);
	});

	test("that could not be made leaves nothing", async () => {
		const before = everything();
		it.kernel.fail("links.ensureInnerEnd");
		await expect(connect(alice)).rejects.toMatchObject({ reason: "KERNEL_REFUSED" });
		expect(everything()).toEqual(before);
	});

	test("in passthru is alone, whoever comes at once; then the next one has its turn", async () => {
		await it.netd.networks.delete("lan", call());
		await create("lan", { parent: "eth1", macvlan_mode: "passthru" });
		const outcomes = await Promise.allSettled([connect(alice), connect(bob)]);
		const refused = outcomes.find((outcome) => outcome.status === "rejected");
		expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
		expect(refused?.reason).toMatchObject({ reason: "NETWORK_TAKES_ONE" });
		const [first, second] = macvlans(alice).length === 1 ? [alice, bob] : [bob, alice];
		await it.netd.sandboxes.delete(first.id, call());
		await connect(second);
		expect(macvlans(second)).toMatchObject([{ mode: "passthru", up: true }]);
	});

	test("leaves an adopted namespace as it was", async () => {
		const netns = "/proc/4711/ns/net";
		it.kernel.addForeignNamespace(netns, parseIfName("eth0"));
		const guest = await it.netd.sandboxes.create(sandboxSpec("guest", { adoptPath: netns }), call());
		expect((await connect(guest)).view.endpoint.interface).toBe("eth1");
		await it.netd.sandboxes.delete(guest.id, call());
		expect(it.kernel.links.interfaces(netns)).toEqual(["lo", "eth0"]);
	});
});

describe("reconcile", () => {
	beforeEach(async () => {
		await create("lan");
		await connect(alice);
	});

	test("puts back a link that somebody took away or changed, and removes strays", async () => {
		const before = everything();
		expect(await it.netd.reconcile.run()).toBe(0);
		expect(everything()).toEqual(before);
		const [own] = macvlans(alice);
		await it.kernel.links.removeMacvlan({ endpointId: own?.endpointId ?? "", netns: alice.netnsPath });
		const stray = { endpointId: newId(), netns: bob.netnsPath, interface: parseIfName("eth5"), mtu: undefined };
		await it.kernel.links.ensureMacvlan({ ...stray, parent: ETH1, mode: "bridge" });
		expect(await it.netd.reconcile.run()).toBe(0);
		expect(everything()).toEqual(before);
		const { endpointId = "" } = own ?? {};
		const changed = { endpointId, netns: alice.netnsPath, interface: parseIfName("eth0"), mtu: undefined };
		await it.kernel.links.ensureMacvlan({ ...changed, parent: ETH1, mode: "vepa" });
		expect(await it.netd.reconcile.run()).toBe(0);
		expect(macvlans(alice)).toEqual([own]);
		expect(everything()).toEqual(before);
	});

	test("fails network and endpoint while the parent is gone, saying so, and mends them when it is back", async () => {
		const before = everything();
		it.kernel.state.removeParent(ETH1);
		expect(await it.netd.reconcile.run()).toBe(0);
		const failed = { state: "failed", reason: "The host has no interface eth1 that containers could be on." };
		const endpoint = () =>
			it.netd.endpoints.list({ network: "lan", sandboxId: undefined }, { after: 0, limit: 1 }).items[0];
		expect(it.netd.networks.get("lan").status).toEqual(failed);
		expect(endpoint()?.endpoint.status).toEqual(failed);
		it.kernel.addForeignLink(ETH1);
		expect(await it.netd.reconcile.run()).toBe(0);
		expect(it.netd.networks.get("lan").status).toEqual({ state: "active" });
		expect(endpoint()?.endpoint.status).toEqual({ state: "active" });
		expect(everything()).toEqual(before);
	});

	test("makes again a parent of netd's own, with what is on it", async () => {
		const { network } = await create("tagged", { parent: "eth1.30" });
		await connect(bob, "tagged");
		const before = everything();
		it.kernel.state.removeParent(network.interface!);
		expect(macvlans(bob)).toEqual([]);
		expect(await it.netd.reconcile.run()).toBe(0);
		expect(everything()).toEqual(before);
	});
});
