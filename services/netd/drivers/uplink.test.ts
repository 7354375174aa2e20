/** Bridge networks with an uplink by netd's use cases, on the models. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { IpInterface } from "#lib/address/cidr.ts";
import { parseIfName } from "#lib/address/if-name.ts";
import { Ip } from "#lib/address/ip.ts";
import type { ModelKernel } from "../kernel/model/model.ts";
import type { ModelAllocator } from "../peers/model-allocator.ts";
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

const ETH1 = parseIfName("eth1");
const OPTIONS = { "wharf.bridge.uplink": "eth1", "wharf.bridge.uplink_move": "true" };
const OWN = IpInterface.parse("10.77.0.5/24");

let it: Bench<ModelKernel, ModelAllocator>;
beforeEach(async () => {
	it = await modelBench();
	it.kernel.addForeignLink(ETH1);
	it.kernel.addAddress(ETH1, OWN);
});
afterEach(() => it[Symbol.asyncDispose]());

const everything = () => ({ kernel: it.kernel.snapshot(), leases: it.allocator.snapshot() });

function create(name: string, options: Record<string, string> = OPTIONS, more: Parameters<typeof networkSpec>[1] = {}) {
	const subnet = subnetSpec("10.77.0.0/24", { gateway: Ip.parse("10.77.0.1") });
	return it.netd.networks.create(networkSpec(name, { subnets: [subnet], options, ...more }), call());
}

test("moves the host's addresses, of which it keeps the segment's from others; all is as before when it goes", async () => {
	const before = everything();
	const { network } = await create("lan");
	expect(network.hostAddresses.map(String)).toEqual(["10.77.0.5/24"]);
	expect(it.netd.networks.get("lan").hostSettings?.addresses.map(String)).toEqual(["10.77.0.5/24"]);
	expect(it.kernel.state.hostAddresses).toEqual(new Map([[network.interface, [OWN]]]));
	expect(it.kernel.firewall.observe().networks).toContainEqual(
		expect.objectContaining({ bridge: network.interface, segment: true, masquerade: [] }),
	);
	const alice = await it.netd.sandboxes.create(sandboxSpec("alice"), call());
	const ports = { ports: [tcp(8080, 80)] };
	await expect(it.netd.endpoints.connect(connectSpec("lan", alice, ports), call())).rejects.toMatchObject({
		reason: "DRIVER_PUBLISHES_NOTHING",
	});
	const taken = { addresses: [OWN.ip] };
	await expect(it.netd.endpoints.connect(connectSpec("lan", alice, taken), call())).rejects.toMatchObject({
		reason: "ADDRESS_IN_USE",
	});
	const { view } = await it.netd.endpoints.connect(connectSpec("lan", alice), call());
	expect(view.gateways.map(String)).toEqual(["10.77.0.1"]);
	await it.netd.sandboxes.delete(alice.id, call());
	await it.netd.networks.delete("lan", call());
	expect(everything()).toEqual(before);
});

test.each(["links.ensureBridge", "links.observeUplink"])("leaves nothing when %s fails", async (name) => {
	const before = everything();
	it.kernel.fail(name);
	await expect(create("lan")).rejects.toMatchObject({ reason: "KERNEL_REFUSED" });
	expect(everything()).toEqual(before);
});

test("an internal one says what it is not kept from; a second on the interface is refused", async () => {
	const { warnings } = await create("lan", OPTIONS, { internal: true });
	expect(warnings).toEqual([expect.stringContaining("they are on the segment of eth1")]);
	await expect(create("more", OPTIONS, { subnets: [subnetSpec(4)] })).rejects.toMatchObject({
		reason: "PARENT_IN_USE",
	});
});

describe("reconciliation", () => {
	test("stores what the host has there now, and puts that back where the bridge was taken away", async () => {
		const { network } = await create("lan");
		const bridge = network.interface!;
		const later = IpInterface.parse("10.77.0.9/24");
		it.kernel.state.hostAddresses.set(bridge, [later]);
		expect(await it.netd.reconcile.run()).toBe(0);
		expect(it.netd.networks.get("lan").hostSettings?.addresses.map(String)).toEqual(["10.77.0.9/24"]);
		it.kernel.state.removeParent(bridge);
		expect(it.kernel.state.hostAddresses.size).toBe(0);
		expect(await it.netd.reconcile.run()).toBe(0);
		expect(it.kernel.state.hostAddresses).toEqual(new Map([[bridge, [later]]]));
		expect(it.kernel.state.ports).toEqual(new Map([[ETH1, bridge]]));
	});

	test("an interface that is gone fails the network with the reason, until it is back", async () => {
		const { network } = await create("lan");
		it.kernel.state.removeParent(ETH1);
		expect(await it.netd.reconcile.run()).toBe(0);
		expect(it.netd.networks.get("lan").status).toMatchObject({ state: "failed" });
		it.kernel.addForeignLink(ETH1);
		expect(await it.netd.reconcile.run()).toBe(0);
		expect(it.netd.networks.get("lan").status).toEqual({ state: "active" });
		expect(it.kernel.state.hostAddresses).toEqual(new Map([[network.interface, [OWN]]]));
	});

	test("what a crash left half made gives back what it took", async () => {
		const before = everything();
		await create("lan");
		await it.store.write([
			{ sql: "UPDATE networks SET state = 'creating', subnets = '[]' WHERE name = 'lan'", params: [] },
		]);
		await it.restart();
		expect(everything()).toEqual(before);
	});
});
