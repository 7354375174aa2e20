import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { parseIfName } from "#lib/address/if-name.ts";
import { legName, newId } from "../id.ts";
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

let it: Bench<ModelKernel, ModelAllocator>;
let alice: Sandbox;
let endpointId: string;
beforeEach(async () => {
	it = await modelBench();
	await it.netd.networks.create(networkSpec("web"), call());
	alice = await it.netd.sandboxes.create(sandboxSpec("alice"), call());
	const { view } = await it.netd.endpoints.connect(connectSpec("web", alice, { ports: [tcp(8080, 80)] }), call());
	endpointId = view.endpoint.id;
});
afterEach(() => it[Symbol.asyncDispose]());

const everything = () => ({ kernel: it.kernel.snapshot(), leases: it.allocator.snapshot() });
const endpoint = () => it.netd.endpoints.get(endpointId).endpoint;

describe("reconcile", () => {
	test("changes nothing that is right, in the same process and in the next", async () => {
		const before = everything();
		expect(await it.netd.reconcile.run()).toBe(0);
		expect(everything()).toEqual(before);
		await it.restart();
		expect(everything()).toEqual(before);
		expect(it.netd.names.find(alice.id)?.endpoints).toHaveLength(1);
	});

	test("puts back what somebody took away", async () => {
		const before = everything();
		it.kernel.firewall.flush();
		it.kernel.state.removeLeg(endpoint().hostInterface);
		it.kernel.state.bridges.delete(parseIfName("wharf0"));
		it.kernel.resolver.remove(alice.netnsPath);
		expect(await it.netd.reconcile.run()).toBe(0);
		expect(everything()).toEqual(before);
	});

	test("removes what no row speaks of, and nothing of others", async () => {
		it.kernel.addForeignLink(parseIfName("eth9"));
		const before = everything();
		const stray = {
			name: parseIfName("stray0"),
			networkId: newId(),
			mtu: 1500,
			addresses: [],
			ipv6: false,
			inhibitIpv4: false,
		};
		it.kernel.links.ensureBridge({ ...stray, mac: "02:00:00:00:00:01" as never });
		it.kernel.namespaces.create("/netns/stray");
		await it.kernel.links.ensureLeg({
			endpointId: newId(),
			hostInterface: legName(newId()),
			bridge: stray.name,
			netns: "/netns/stray",
			interface: parseIfName("eth0"),
			mtu: 1500,
			hairpin: false,
			isolated: false,
		});
		const { networks } = it.kernel.firewall.observe();
		it.kernel.firewall.ensureNetwork({ ...networks[0]!, bridge: stray.name });
		const subnetId = (await it.allocator.subnets())[0]?.id ?? "";
		const wishes = [{ subnetId, address: undefined }];
		await it.allocator.takeAddresses({ owner: newId(), wishes, mac: undefined, name: "" });
		await it.allocator.takeSubnet(newId(), subnetSpec(4));
		expect(await it.netd.reconcile.run()).toBe(0);
		expect(everything()).toEqual(before);
	});

	test("a namespace that is gone fails its sandbox and endpoints, and says why", async () => {
		it.kernel.state.removeSandbox(alice.netnsPath);
		expect(await it.netd.reconcile.run()).toBe(0);
		expect(it.netd.sandboxes.get(alice.id).status).toEqual({
			state: "failed",
			reason: "its network namespace is gone",
		});
		expect(endpoint().status).toEqual({ state: "failed", reason: "its network namespace is gone" });
		expect(await it.netd.sandboxes.delete(alice.id, call())).toBe(true);
		expect(it.allocator.snapshot().leases).toEqual([]);
	});

	test("an address, an interface or a default route that is missing inside is put back; others' are left", async () => {
		const before = everything();
		const inside = it.kernel.state.sandbox(alice.netnsPath);
		const [name] = [...inside.interfaces.keys()];
		const end = inside.interfaces.get(name!)!;
		const damage: readonly (() => void)[] = [
			() => void (inside.routes = {}),
			() => void (end.addresses = []),
			() => void Object.assign(end, { up: false }),
		];
		for (const harm of damage) {
			harm();
			expect(everything()).not.toEqual(before);
			expect(await it.netd.reconcile.run()).toBe(0);
			expect(everything()).toEqual(before);
		}
		const elsewhere = { 4: endpoint().addresses[0]!.ip };
		inside.routes = elsewhere;
		expect(await it.netd.reconcile.run()).toBe(0);
		expect(inside.routes).toEqual(elsewhere);
	});

	test("a port that was taken meanwhile fails the endpoint until it is free again", async () => {
		it.kernel.hostPorts.programs.set("tcp 8080", "nginx (process 812)");
		await it.restart();
		expect(endpoint().status).toMatchObject({ state: "failed" });
		expect(JSON.stringify(endpoint().status)).toContain("8080/tcp");
		it.kernel.hostPorts.programs.clear();
		expect(await it.netd.reconcile.run()).toBe(0);
		expect(endpoint().status).toEqual({ state: "active" });
	});

	test("a lease that ipamd has lost is taken again", async () => {
		const before = everything();
		const [lease] = await it.allocator.leases();
		await it.allocator.releaseAddresses([lease!]);
		expect(await it.netd.reconcile.run()).toBe(0);
		expect(everything()).toEqual(before);
	});

	test.each(["creating", "deleting"])(
		"an endpoint, a sandbox and a network that are %s are brought to nothing",
		async (state) => {
			for (const table of ["networks", "sandboxes", "endpoints"]) {
				const only = table === "networks" ? "WHERE name = 'web'" : "";
				await it.store.write([{ sql: `UPDATE ${table} SET state = ? ${only}`, params: [state] }]);
			}
			await it.restart();
			expect(it.allocator.snapshot()).toEqual({ subnets: ["10.61.1.0/24"], leases: [] });
			expect(it.kernel.state.bridges.size).toBe(1);
			expect(it.kernel.state.legs.size).toBe(0);
			expect(it.kernel.state.sandboxes.size).toBe(0);
			expect(it.kernel.firewall.observe()).toMatchObject({ networks: [{ bridge: "wharf0" }], publications: [] });
			expect(it.kernel.hostPorts.reserved()).toEqual([]);
		},
	);

	test("what is under way is left alone", async () => {
		const running = Promise.all([
			...Array.from({ length: 10 }, async (_, index) => {
				const sandbox = await it.netd.sandboxes.create(sandboxSpec(`s${index}`), call());
				return it.netd.endpoints.connect(connectSpec("web", sandbox, { ports: [tcp(0, 80)] }), call());
			}),
		]);
		for (let round = 0; round < 5; round += 1) expect(await it.netd.reconcile.run()).toBe(0);
		await running;
		const before = everything();
		expect(await it.netd.reconcile.run()).toBe(0);
		expect(everything()).toEqual(before);
		expect(it.kernel.firewall.observe().publications).toHaveLength(11);
	});

	test("what is left undone while it runs is taken up soon, not at the next minute", async () => {
		const leases = it.allocator.leases.bind(it.allocator);
		// The last thing that it asks for: rows have had their turn.
		it.allocator.leases = async () => {
			it.allocator.leases = leases;
			it.kernel.fail("links.parkLeg");
			await it.netd.sandboxes.delete(alice.id, call());
			return leases();
		};
		await it.netd.reconcile.run();
		expect(it.netd.sandboxes.get(alice.id).status.state).toBe("deleting");
		await vi.waitFor(() => expect(() => it.netd.sandboxes.get(alice.id)).toThrow(alice.id.slice(0, 12)), 10_000);
		await vi.waitFor(() => expect(it.allocator.snapshot().leases).toEqual([]), 10_000);
	}, 30_000);

	test("a peer that was away for long is asked again within seconds", async () => {
		it.allocator.down = true;
		// As at start, where it is tried many times in a row.
		for (let attempt = 0; attempt < 20; attempt += 1) expect(await it.netd.reconcile.run()).toBeGreaterThan(0);
		await it.netd.sandboxes.delete(alice.id, call());
		for (let attempt = 0; attempt < 2; attempt += 1) expect(await it.netd.reconcile.run()).toBeGreaterThan(0);
		it.allocator.down = false;
		await vi.waitFor(() => expect(it.allocator.snapshot().leases).toEqual([]), 20_000);
	}, 30_000);
});
