import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { parseIfName } from "#lib/address/if-name.ts";
import { Ip } from "#lib/address/ip.ts";
import { IpRange } from "#lib/address/ip-range.ts";
import type { ModelKernel } from "./kernel/model/model.ts";
import type { ModelAllocator } from "./peers/model-allocator.ts";
import {
	type Bench,
	call,
	connectSpec,
	modelBench,
	networkSpec,
	sandboxSpec,
	subnetSpec,
} from "./test-support/netd.ts";

let it: Bench<ModelKernel, ModelAllocator>;
beforeEach(async () => {
	it = await modelBench();
});
afterEach(() => it[Symbol.asyncDispose]());

const page = { after: 0, limit: 100 };
const all = { names: [], drivers: [], labels: {} };
const everything = () => ({
	kernel: it.kernel.snapshot(),
	leases: it.allocator.snapshot(),
	outbox: it.store.outbox.size(),
});

describe("predefined networks", () => {
	test("are there from the start, once, and cannot be removed", async () => {
		const names = (): string[] => it.netd.networks.list(all, page).items.map(({ name }) => name);
		expect(names().sort()).toEqual(["bridge", "host", "none"]);
		expect(it.netd.networks.get("bridge")).toMatchObject({
			interface: "wharf0",
			resolvesNames: false,
			predefined: true,
		});
		const before = everything();
		await it.restart();
		expect(names().sort()).toEqual(["bridge", "host", "none"]);
		expect(everything()).toEqual(before);
		await expect(it.netd.networks.delete("host", call())).rejects.toMatchObject({ reason: "NETWORK_PREDEFINED" });
		await expect(it.netd.networks.delete("bridge", call())).rejects.toMatchObject({ reason: "NETWORK_PREDEFINED" });
	});

	test("the bridge is made later when ipamd is", async () => {
		const { id } = it.netd.networks.get("bridge");
		await it.store.write([{ sql: "DELETE FROM networks WHERE id = ?", params: [id] }]);
		it.allocator.down = true;
		expect(await it.netd.reconcile.run()).toBeGreaterThan(0);
		expect(it.netd.networks.get("bridge").status.state).toBe("deleting");
		it.allocator.down = false;
		expect(await it.netd.reconcile.run()).toBe(0);
		expect(it.netd.networks.get("bridge").id).not.toBe(id);
		expect(it.allocator.snapshot().subnets).toHaveLength(1);
	});
});

describe("create", () => {
	test("makes subnet, bridge and rules, and gives back what it made", async () => {
		const { network } = await it.netd.networks.create(networkSpec("web", { labels: { tier: "front" } }), call());
		expect(network).toMatchObject({
			name: "web",
			status: { state: "active" },
			resolvesNames: true,
			interface: `wh-${network.id.slice(0, 12)}`,
		});
		expect(it.netd.networks.get("web")).toEqual({ ...network, seq: expect.any(Number) });
		expect(it.netd.networks.get(network.id.slice(0, 8)).id).toBe(network.id);
		expect(it.kernel.state.bridges.get(network.interface ?? parseIfName("x"))).toMatchObject({
			mac: "02:42:0a:3d:02:01",
			mtu: 1500,
			ipv6: false,
		});
		expect(it.kernel.firewall.observe().networks).toContainEqual({
			bridge: network.interface,
			internal: false,
			masquerade: [4],
			neighbours: true,
			sources: [],
			routed: [],
			unprotected: [],
			trusted: [],
			segment: false,
		});
	});

	test("an internal network is not masqueraded; options have their effect", async () => {
		const options = {
			"com.docker.network.bridge.name": "lan0",
			"com.docker.network.driver.mtu": "1400",
			"com.docker.network.bridge.enable_icc": "false",
		};
		await it.netd.networks.create(networkSpec("lan", { internal: true, options }), call());
		expect(it.kernel.state.bridges.get(parseIfName("lan0"))?.mtu).toBe(1400);
		expect(it.kernel.firewall.observe().networks).toContainEqual({
			bridge: "lan0",
			internal: true,
			masquerade: [],
			neighbours: false,
			sources: [],
			routed: [],
			unprotected: [],
			trusted: [],
			segment: false,
		});
	});

	test.each([
		["a taken name", networkSpec("host"), "NETWORK_NAME_TAKEN"],
		["an unknown driver", networkSpec("x", { driver: "ipvlan" }), "UNKNOWN_DRIVER"],
		["a predefined driver", networkSpec("x", { driver: "host" }), "DRIVER_IS_PREDEFINED"],
		["an unknown option", networkSpec("x", { options: { mtu: "9000" } }), "UNKNOWN_OPTION"],
		[
			"a taken bridge",
			networkSpec("x", { options: { "com.docker.network.bridge.name": "wharf0" } }),
			"INTERFACE_EXISTS",
		],
		["another's link", networkSpec("x", { options: { "com.docker.network.bridge.name": "eth9" } }), "INTERFACE_EXISTS"],
	])("%s is refused, and nothing has changed", async (_, spec, reason) => {
		it.kernel.addForeignLink(parseIfName("eth9"));
		const before = everything();
		await expect(it.netd.networks.create(spec, call())).rejects.toMatchObject({ reason });
		expect(everything()).toEqual(before);
	});

	test.each(["links.ensureBridge", "firewall.ensureNetwork"])("a failure of %s is undone", async (step) => {
		const before = everything();
		it.kernel.fail(step);
		await expect(it.netd.networks.create(networkSpec("web"), call())).rejects.toMatchObject({
			reason: "KERNEL_REFUSED",
		});
		expect(everything()).toEqual(before);
		await it.netd.networks.create(networkSpec("web"), call());
	});

	test("an undo that fails leaves the row, and reconciliation ends it", async () => {
		const before = everything();
		it.kernel.fail("links.ensureBridge");
		it.kernel.fail("links.removeBridge");
		await expect(it.netd.networks.create(networkSpec("web"), call())).rejects.toMatchObject({
			reason: "KERNEL_REFUSED",
		});
		expect(it.netd.networks.get("web").status.state).toBe("deleting");
		expect(await it.netd.reconcile.run()).toBe(0);
		expect(() => it.netd.networks.get("web")).toThrow("There is no network");
		expect({ ...everything(), outbox: 0 }).toEqual({ ...before, outbox: 0 });
	});

	test("an undo that fails is taken up again by itself, and the name is free then", async () => {
		it.allocator.down = true;
		await expect(it.netd.networks.create(networkSpec("web"), call())).rejects.toMatchObject({
			reason: "SERVICE_UNAVAILABLE",
		});
		expect(it.netd.networks.get("web").status.state).toBe("deleting");
		it.allocator.down = false;
		await vi.waitFor(() => it.netd.networks.create(networkSpec("web"), call()), 10_000);
		expect(it.netd.networks.get("web").status.state).toBe("active");
	}, 30_000);

	test("a caller that has gone leaves nothing", async () => {
		const before = everything();
		const gone = new AbortController();
		const creating = it.netd.networks.create(networkSpec("web"), call(gone.signal));
		gone.abort(new Error("the caller has gone"));
		await expect(creating).rejects.toThrow("the caller has gone");
		expect(everything()).toEqual(before);
	});

	test("a requested subnet is had, and two families make one network", async () => {
		const auxiliary = { dns: Ip.parse("10.99.0.53") };
		const { network } = await it.netd.networks.create(
			networkSpec("dual", {
				subnets: [subnetSpec("10.99.0.0/24", { auxiliary }), subnetSpec(6)],
			}),
			call(),
		);
		expect(network.ipv6).toBe(true);
		expect(network.subnets.map(({ cidr, automatic }) => [cidr.toString(), automatic])).toEqual([
			["10.99.0.0/24", false],
			["fd00:61:2::/64", true],
		]);
		expect(it.kernel.state.forwarding).toEqual({ ipv4: true, ipv6: true });
		expect(it.netd.networks.get("dual").subnets[0]?.auxiliary["dns"]?.toString()).toBe("10.99.0.53");
	});
});

describe("list", () => {
	test("filters and pages, oldest first", async () => {
		await it.netd.networks.create(networkSpec("a", { labels: { tier: "front", x: "" } }), call());
		await it.netd.networks.create(networkSpec("b", { labels: { tier: "back" } }), call());
		const names = (filter: object): string[] =>
			it.netd.networks.list({ ...all, ...filter }, page).items.map(({ name }) => name);
		expect(names({ labels: { tier: "" } })).toEqual(["a", "b"]);
		expect(names({ labels: { tier: "back" } })).toEqual(["b"]);
		expect(names({ labels: { tier: "", x: "" } })).toEqual(["a"]);
		expect(names({ names: ["b", "host"] })).toEqual(["host", "b"]);
		expect(names({ drivers: ["none"] })).toEqual(["none"]);
		const first = it.netd.networks.list(all, { after: 0, limit: 4 });
		expect(first.items).toHaveLength(4);
		expect(first.next).toBe(first.items.at(-1)?.seq);
		const second = it.netd.networks.list(all, { after: first.items.at(-1)?.seq ?? 0, limit: 4 });
		expect(second.items.map(({ name }) => name)).toEqual(["b"]);
		expect(second.next).toBeUndefined();
	});
});

describe("delete", () => {
	test("takes everything back", async () => {
		const before = everything();
		await it.netd.networks.create(networkSpec("web"), call());
		await it.netd.networks.delete("web", call());
		expect({ ...everything(), outbox: 0 }).toEqual({ ...before, outbox: 0 });
		expect(everything().outbox).toBe(before.outbox + 2);
	});

	test("is refused while somebody is on it, who is named", async () => {
		await it.netd.networks.create(networkSpec("web"), call());
		const sandbox = await it.netd.sandboxes.create(sandboxSpec("alice"), call());
		await it.netd.endpoints.connect(connectSpec("web", sandbox), call());
		await expect(it.netd.networks.delete("web", call())).rejects.toThrow("The network web is in use by alice.");
		expect(it.netd.networks.get("web").status.state).toBe("active");
	});

	test("what fails is finished by reconciliation", async () => {
		const before = everything();
		await it.netd.networks.create(networkSpec("web"), call());
		it.allocator.down = true;
		await it.netd.networks.delete("web", call());
		expect(it.netd.networks.get("web").status.state).toBe("deleting");
		it.allocator.down = false;
		expect(await it.netd.reconcile.run()).toBe(0);
		expect({ ...everything(), outbox: 0 }).toEqual({ ...before, outbox: 0 });
	});

	test("a connect and a delete at once: one of them wins", async () => {
		for (let round = 0; round < 10; round += 1) {
			await it.netd.networks.create(networkSpec("web"), call());
			const sandbox = await it.netd.sandboxes.create(sandboxSpec(`s${round}`), call());
			const [connected, deleted] = await Promise.allSettled([
				it.netd.endpoints.connect(connectSpec("web", sandbox), call()),
				it.netd.networks.delete("web", call()),
			]);
			expect([connected.status, deleted.status].sort()).toEqual(["fulfilled", "rejected"]);
			await it.netd.sandboxes.delete(sandbox.id, call());
			if (connected.status === "fulfilled") await it.netd.networks.delete("web", call());
		}
		expect(it.allocator.snapshot().leases).toEqual([]);
	});
});

describe("a configuration", () => {
	const subnet = subnetSpec("10.98.0.0/24", {
		ipRange: IpRange.parse("10.98.0.128/25"),
		gateway: Ip.parse("10.98.0.9"),
		auxiliary: { dns: Ip.parse("10.98.0.53") },
	});
	const options = { "com.docker.network.driver.mtu": "1400" };
	const labels = { tier: "front" };
	const configuration = (more: Partial<Parameters<typeof networkSpec>[1]> = {}) =>
		networkSpec("base", { driver: "", configOnly: true, subnets: [subnet], options, labels, ...more });
	const from = (name: string, more: Partial<Parameters<typeof networkSpec>[1]> = {}) =>
		networkSpec(name, { driver: "", configFrom: "base", ...more });

	test("has nothing in the kernel and at ipamd, is what it was after a restart, and takes no containers", async () => {
		const before = everything();
		const { network } = await it.netd.networks.create(configuration(), call());
		expect({ ...everything(), outbox: before.outbox }).toEqual(before);
		expect(network).toMatchObject({ driver: "none", options, labels, resolvesNames: false, subnets: [] });
		await it.restart();
		expect(it.netd.networks.get("base")).toEqual({ ...network, seq: expect.any(Number) });
		expect({ ...everything(), outbox: before.outbox }).toEqual(before);
		const alice = await it.netd.sandboxes.create(sandboxSpec("alice"), call());
		await expect(it.netd.endpoints.connect(connectSpec("base", alice), call())).rejects.toMatchObject({
			reason: "NETWORK_IS_CONFIG_ONLY",
		});
	});

	test("is what a network is made of, is shown there, and stays while one is", async () => {
		await it.netd.networks.create(configuration(), call());
		const { network } = await it.netd.networks.create(from("web", { internal: true }), call());
		expect(network).toMatchObject({ driver: "bridge", options, labels, internal: true });
		expect(it.netd.networks.configOf(network)).toBe("base");
		expect(network.subnets.map(({ cidr, gateway }) => `${cidr} ${gateway}`)).toEqual(["10.98.0.0/24 10.98.0.9"]);
		expect(it.kernel.state.bridges.get(network.interface ?? parseIfName("x"))?.mtu).toBe(1400);
		await expect(it.netd.networks.delete("base", call())).rejects.toMatchObject({
			reason: "CONFIG_IN_USE",
			message: "The configuration base is in use by the networks web.",
		});
		await it.netd.networks.delete("web", call());
		await it.netd.networks.delete("base", call());
		expect(() => it.netd.networks.get("base")).toThrow("There is no network");
	});

	test("one that says nothing gives each of its networks a subnet of its own", async () => {
		await it.netd.networks.create(configuration({ subnets: [subnetSpec(4)] }), call());
		const made = [
			await it.netd.networks.create(from("one"), call()),
			await it.netd.networks.create(from("two"), call()),
		];
		const cidrs = made.flatMap(({ network }) => network.subnets.map(({ cidr }) => cidr.toString()));
		expect(new Set(cidrs).size).toBe(2);
	});

	test.each([
		["from nothing", () => from("x", { configFrom: "nobody" }), "NETWORK_NOT_FOUND"],
		["from a network", () => from("x", { configFrom: "bridge" }), "NOT_A_CONFIGURATION"],
		["a taken name", () => configuration(), "NETWORK_NAME_TAKEN"],
		["for a driver that has not the option", () => from("x", { driver: "macvlan" }), "UNKNOWN_OPTION"],
		[
			"with an option that the driver has not",
			() => configuration({ driver: "bridge", options: { a: "b" } }),
			"UNKNOWN_OPTION",
		],
		["for a driver that is none", () => configuration({ driver: "ipvlan" }), "UNKNOWN_DRIVER"],
		["a subnet that is taken", () => from("x", { configFrom: "base" }), "SUBNET_OVERLAPS"],
	])("%s is refused, and nothing has changed", async (_, spec, reason) => {
		const common = { "com.docker.network.bridge.enable_icc": "true" };
		await it.netd.networks.create(configuration({ options: common }), call());
		await it.netd.networks.create(from("taken"), call());
		const before = everything();
		await expect(it.netd.networks.create(spec(), call())).rejects.toMatchObject({ reason });
		expect(everything()).toEqual(before);
	});

	test("a network from it and its removal at once: one of them wins", async () => {
		for (let round = 0; round < 10; round += 1) {
			await it.netd.networks.create(configuration(), call());
			const [made, removed] = await Promise.allSettled([
				it.netd.networks.create(from("web"), call()),
				it.netd.networks.delete("base", call()),
			]);
			expect([made.status, removed.status].sort()).toEqual(["fulfilled", "rejected"]);
			if (made.status === "fulfilled") await it.netd.networks.delete("web", call());
			if (removed.status === "rejected") await it.netd.networks.delete("base", call());
		}
	});
});
