import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { IpInterface } from "#lib/address/cidr.ts";
import { parseIfName } from "#lib/address/if-name.ts";
import { Ip } from "#lib/address/ip.ts";
import type { ModelKernel } from "./kernel/model/model.ts";
import type { ModelAllocator } from "./peers/model-allocator.ts";
import type { Sandbox } from "./sandbox.ts";
import {
	type Bench,
	BRIDGE,
	call,
	connectSpec,
	modelBench,
	networkSpec,
	sandboxSpec,
	subnetSpec,
	tcp,
} from "./test-support/netd.ts";

let it: Bench<ModelKernel, ModelAllocator>;
beforeEach(async () => {
	it = await modelBench();
});
afterEach(() => it[Symbol.asyncDispose]());

const bridge = () => it.netd.networks.get("bridge");
const found = () => it.netd.diagnosis.run().filter(({ code }) => code === "DEFAULT_NETWORK_DIFFERS");
const subnets = () => bridge().subnets.map(({ cidr, gateway }) => `${cidr} ${gateway}`);

async function onIt(): Promise<Sandbox> {
	const alice = await it.netd.sandboxes.create(sandboxSpec("alice"), call());
	await it.netd.endpoints.connect(connectSpec("bridge", alice), call());
	return alice;
}

describe("settings that change", () => {
	const settings = { bip: IpInterface.parse("10.9.0.5/24"), mtu: 1400, icc: false, ipMasq: false };

	test("are applied at the next start, under the network's id, while nothing is on it", async () => {
		const { id, createdAt } = bridge();
		await it.restart({ settings });
		expect(bridge()).toMatchObject({ id, createdAt, status: { state: "active" }, predefined: true });
		expect(subnets()).toEqual(["10.9.0.0/24 10.9.0.5"]);
		expect(it.allocator.snapshot().subnets).toEqual(["10.9.0.0/24"]);
		expect(it.kernel.state.bridges.get(BRIDGE)).toMatchObject({ mtu: 1400 });
		expect(it.kernel.state.bridges.get(BRIDGE)?.addresses.map(String)).toEqual(["10.9.0.5/24"]);
		const rules = { bridge: "wharf0", masquerade: [], neighbours: false };
		expect(it.kernel.firewall.observe().networks).toEqual([expect.objectContaining(rules)]);
		expect(found()).toEqual([]);
		await it.restart({});
		expect(bridge()).toMatchObject({ id, options: {} });
		expect(subnets()[0]).toMatch(/^10\.61\./);
	});

	test("wait while something is on it, but for masquerading; the diagnosis says what, and who", async () => {
		const alice = await onIt();
		const before = subnets();
		await it.restart({ settings });
		expect(subnets()).toEqual(before);
		expect(it.kernel.firewall.observe().networks).toEqual([
			expect.objectContaining({ masquerade: [], neighbours: true }),
		]);
		expect(found()).toMatchObject([
			{
				severity: "warning",
				sentence: expect.stringMatching(
					/^The network bridge is not as the settings say: the MTU is 1500, and not 1400; traffic between containers is on, and not off; the IPv4 subnet is 10\.61\..*, and not 10\.9\.0\.0\/24, the bridge at 10\.9\.0\.5\.$/,
				),
				commands: ["wharf stop alice", "wharf down", "wharf up"],
			},
		]);
		expect(await it.netd.reconcile.run()).toBe(0);
		await it.netd.sandboxes.delete(alice.id, call());
		expect(await it.netd.reconcile.run()).toBe(0);
		expect(subnets()).toEqual(before);
		await it.restart();
		expect(subnets()).toEqual(["10.9.0.0/24 10.9.0.5"]);
		expect(found()).toEqual([]);
	});

	test("a bridge of another name takes the place of the first", async () => {
		await it.restart({ bridge: parseIfName("br9") });
		expect([...it.kernel.state.bridges.keys()]).toEqual(["br9"]);
		expect(it.kernel.firewall.observe().networks.map((rules) => rules.bridge)).toEqual(["br9"]);
	});

	test.each([
		["another network's subnet", { settings: { bip: IpInterface.parse("10.99.0.129/25") } }],
		["another program's interface", { bridge: parseIfName("eth9") }],
	])("%s is not taken, and the network stays as it was", async (_, next) => {
		it.kernel.addForeignLink(parseIfName("eth9"));
		await it.netd.networks.create(networkSpec("web", { subnets: [subnetSpec("10.99.0.0/24")] }), call());
		const before = bridge();
		await it.restart(next);
		expect(bridge()).toEqual(before);
		expect(found()).toHaveLength(1);
	});

	test("what fails half-way is begun again, under the id", async () => {
		const { id } = bridge();
		it.kernel.fail("links.ensureBridge");
		await it.restart({ settings });
		expect(bridge()).toMatchObject({ id, status: { state: "deleting" } });
		expect(await it.netd.reconcile.run()).toBe(0);
		expect(bridge()).toMatchObject({ id, status: { state: "active" } });
		expect(subnets()).toEqual(["10.9.0.0/24 10.9.0.5"]);
		expect(it.allocator.snapshot().subnets).toEqual(["10.9.0.0/24"]);
	});
});

test("a second family comes and goes", async () => {
	await it.restart({ settings: { ipv6: true } });
	expect(bridge()).toMatchObject({ ipv6: true });
	expect(bridge().subnets).toHaveLength(2);
	await it.restart({});
	expect(bridge()).toMatchObject({ ipv6: false });
	expect(bridge().subnets).toHaveLength(1);
});

test("the router may be another than the bridge", async () => {
	const settings = { bip: IpInterface.parse("10.9.0.5/24"), defaultGateway: Ip.parse("10.9.0.9") };
	await it.restart({ settings });
	const alice = await onIt();
	expect(it.kernel.state.sandbox(alice.netnsPath).routes[4]?.toString()).toBe("10.9.0.9");
	expect(it.kernel.state.bridges.get(BRIDGE)?.addresses.map(String)).toEqual(["10.9.0.5/24"]);
	expect(await it.netd.reconcile.run()).toBe(0);
});

test("ports go where the setting says, unless their publisher or their network does", async () => {
	await it.restart({ settings: { ip: Ip.parse("127.0.0.1") } });
	const binding = { "com.docker.network.bridge.host_binding_ipv4": "192.0.2.1" };
	await it.netd.networks.create(networkSpec("own", { options: binding }), call());
	await it.netd.networks.create(networkSpec("plain"), call());
	const alice = await it.netd.sandboxes.create(sandboxSpec("alice"), call());
	const publish = async (network: string, port: ReturnType<typeof tcp>): Promise<string> => {
		const { view } = await it.netd.endpoints.connect(connectSpec(network, alice, { ports: [port] }), call());
		return String(view.endpoint.ports[0]?.hostAddress);
	};
	expect(await publish("plain", tcp(8080, 80))).toBe("127.0.0.1");
	expect(await publish("bridge", tcp(8081, 80, "0.0.0.0"))).toBe("0.0.0.0");
	expect(await publish("own", tcp(8082, 80))).toBe("192.0.2.1");
});
