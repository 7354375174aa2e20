import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { parseIfName } from "#lib/address/if-name.ts";
import { Ip } from "#lib/address/ip.ts";
import { parseMac } from "#lib/address/mac.ts";
import { isPublication } from "./kernel/firewall.ts";
import type { ModelKernel } from "./kernel/model/model.ts";
import type { ModelAllocator } from "./peers/model-allocator.ts";
import type { Sandbox } from "./sandbox.ts";
import {
	type Bench,
	call,
	connectSpec,
	modelBench,
	networkSpec,
	sandboxSpec,
	subnetSpec,
	tcp,
} from "./test-support/netd.ts";

let it: Bench<ModelKernel, ModelAllocator>;
let alice: Sandbox;
beforeEach(async () => {
	it = await modelBench();
	await it.netd.networks.create(networkSpec("web"), call());
	await it.netd.networks.create(networkSpec("back"), call());
	alice = await it.netd.sandboxes.create(sandboxSpec("alice"), call());
});
afterEach(() => it[Symbol.asyncDispose]());

const page = { after: 0, limit: 100 };
const everything = () => ({
	kernel: it.kernel.snapshot(),
	leases: it.allocator.snapshot(),
	outbox: it.store.outbox.size(),
});
const inside = (sandbox: Sandbox) => it.kernel.state.sandbox(sandbox.netnsPath);
const connect = (network: string, more = {}, sandbox = alice) =>
	it.netd.endpoints.connect(connectSpec(network, sandbox, more), call());

describe("connect", () => {
	test("gives interface, address, MAC from it, default route, ports and the rewrite", async () => {
		const { view, namesLag } = await connect("web", { ports: [tcp(8080, 80), tcp(0, 81)] });
		const { endpoint } = view;
		expect(endpoint).toMatchObject({ interface: "eth0", mac: "02:42:0a:3d:02:02", status: { state: "active" } });
		expect(endpoint.addresses.map(String)).toEqual(["10.61.2.2/24"]);
		expect(view.gateways.map(String)).toEqual(["10.61.2.1"]);
		expect(view.leads).toEqual([4]);
		expect(namesLag).toBe(true);
		expect(inside(alice).routes[4]?.toString()).toBe("10.61.2.1");
		expect(inside(alice).redirect).toBe(alice.resolverPort);
		const free = endpoint.ports[1]?.hostPort ?? 0;
		expect(it.kernel.hostPorts.reserved()).toEqual([`tcp 0.0.0.0 ${free}`, "tcp 0.0.0.0 8080"].sort());
		expect(
			it.kernel.firewall
				.observe()
				.publications.filter(isPublication)
				.map(({ hostPort, target, targetPort }) => `${hostPort} ${target}:${targetPort}`),
		).toEqual(expect.arrayContaining(["8080 10.61.2.2:80", `${free} 10.61.2.2:81`]));
		expect(it.netd.endpoints.get(endpoint.id).endpoint).toEqual({ ...endpoint, seq: expect.any(Number) });
	});

	test("the default bridge resolves no names, and lags with none", async () => {
		expect((await connect("bridge")).namesLag).toBe(false);
		expect(inside(alice).redirect).toBeUndefined();
		expect(it.netd.names.find(alice.id)).toBeUndefined();
	});

	test("a second network is eth1; the default route stays, and moves on when its network goes", async () => {
		const first = await connect("web");
		const second = await connect("back");
		expect(second.view.endpoint.interface).toBe("eth1");
		expect(second.view.leads).toEqual([]);
		expect(inside(alice).routes[4]?.toString()).toBe("10.61.2.1");
		await it.netd.endpoints.disconnect(first.view.endpoint.id, call());
		expect(inside(alice).routes[4]?.toString()).toBe("10.61.3.1");
		expect(it.netd.endpoints.get(second.view.endpoint.id).leads).toEqual([4]);
		const third = await connect("web");
		expect(third.view.endpoint.interface).toBe("eth0");
		expect(third.view.leads).toEqual([]);
	});

	test("an internal network gives no default route, and forwards no names", async () => {
		await it.netd.networks.create(networkSpec("vault", { internal: true }), call());
		const { view } = await connect("vault");
		expect(view.gateways).toEqual([]);
		expect(inside(alice).routes[4]).toBeUndefined();
		expect(it.netd.names.find(alice.id)?.forwards).toBe(false);
		await connect("bridge");
		expect(it.netd.names.find(alice.id)?.forwards).toBe(true);
	});

	test("an adopted namespace keeps its own eth0", async () => {
		it.kernel.addForeignNamespace("/proc/4711/ns/net", parseIfName("eth0"));
		const bob = await it.netd.sandboxes.create(sandboxSpec("bob", { adoptPath: "/proc/4711/ns/net" }), call());
		expect((await connect("web", {}, bob)).view.endpoint.interface).toBe("eth1");
		await it.netd.sandboxes.delete(bob.id, call());
		await it.netd[Symbol.asyncDispose]();
		expect(it.kernel.namespaces.isNamespace("/proc/4711/ns/net")).toBe(true);
		expect(it.kernel.links.interfaces("/proc/4711/ns/net")).toEqual(["lo", "eth0"]);
		expect(it.kernel.resolver.observe("/proc/4711/ns/net")).toBeUndefined();
	});

	test("an address and a MAC can be asked for where the subnet was chosen", async () => {
		await it.netd.networks.create(networkSpec("own", { subnets: [subnetSpec("10.99.0.0/24")] }), call());
		const { view } = await connect("own", { addresses: [Ip.parse("10.99.0.77")], mac: parseMac("02:00:00:00:00:77") });
		expect(view.endpoint.addresses.map(String)).toEqual(["10.99.0.77/24"]);
		expect(view.endpoint.mac).toBe("02:00:00:00:00:77");
	});

	test("returns when every watcher shows the name", async () => {
		const acks: number[] = [];
		let wake = (): void => {};
		async function* acknowledged(): AsyncGenerator<number> {
			for (;;) {
				while (acks.length > 0) yield acks.shift() ?? 0;
				await new Promise<void>((resolve) => (wake = resolve));
			}
		}
		const stop = new AbortController();
		const told: string[] = [];
		const reading = (async () => {
			for await (const { revision, change } of it.netd.names.watch(acknowledged(), stop.signal)) {
				if (change.kind === "sandbox")
					told.push(change.sandbox.endpoints.map(({ addresses }) => addresses.join()).join());
				acks.push(revision);
				wake();
			}
		})();
		expect((await connect("web", { aliases: ["www"] })).namesLag).toBe(false);
		expect(told).toEqual(["10.61.2.2"]);
		stop.abort();
		await reading;
	});

	test.each([
		["an unknown network", "nowhere", {}, "NETWORK_NOT_FOUND"],
		["host", "host", {}, "NETWORK_HAS_NO_ENDPOINTS"],
		["none", "none", {}, "NETWORK_HAS_NO_ENDPOINTS"],
		["an address of an automatic subnet", "web", { addresses: [Ip.parse("10.61.2.9")] }, "SUBNET_IS_AUTOMATIC"],
		["an address of a family that is not there", "web", { addresses: [Ip.parse("fd00::9")] }, "NO_SUBNET_OF_FAMILY"],
		["a port that a program has", "web", { ports: [tcp(8081, 80), tcp(8080, 80)] }, "PORT_IN_USE"],
		["an address that the host does not have", "web", { ports: [tcp(81, 80, "203.0.113.9")] }, "NOT_A_HOST_ADDRESS"],
		["a port at an address of another family", "web", { ports: [tcp(81, 80, "2001:db8::1")] }, "NOTHING_TO_PUBLISH_AT"],
	])("%s is refused, and nothing has changed", async (_, network, more, reason) => {
		it.kernel.hostPorts.programs.set("tcp 8080", "nginx (process 812)");
		const before = everything();
		await expect(connect(network, more)).rejects.toMatchObject({ reason });
		expect(everything()).toEqual(before);
		expect(it.netd.endpoints.list({ network: undefined, sandboxId: undefined }, page).items).toEqual([]);
	});

	test("twice on one network, an unknown sandbox, a port of a neighbour: each says who", async () => {
		await connect("web", { ports: [tcp(8080, 80)] });
		await expect(connect("web")).rejects.toThrow("alice is on the network web already.");
		const bob = await it.netd.sandboxes.create(sandboxSpec("bob"), call());
		await expect(connect("web", { ports: [tcp(8080, 80)] }, bob)).rejects.toThrow(
			"The port 8080/tcp of the host is in use by alice.",
		);
		await expect(connect("web", {}, { ...alice, id: "x" })).rejects.toMatchObject({ reason: "SANDBOX_NOT_FOUND" });
	});

	const STEPS = [
		"links.ensureLeg",
		"links.ensureInnerEnd",
		"links.ensureDefaultRoutes",
		"firewall.ensurePublished",
		"resolver.ensure",
	];
	test.each(STEPS)("a failure of %s is undone", async (step) => {
		const before = everything();
		it.kernel.fail(step);
		await expect(connect("web", { ports: [tcp(8080, 80)] })).rejects.toMatchObject({ reason: "KERNEL_REFUSED" });
		expect(everything()).toEqual(before);
		expect((await connect("web", { ports: [tcp(8080, 80)] })).view.endpoint.interface).toBe("eth0");
	});

	test("an interface's name and settings can be asked for; what is taken, or not the kernel's, is refused and undone", async () => {
		const [ifname, sysctls] = ["com.docker.network.endpoint.ifname", "com.docker.network.endpoint.sysctls"];
		const options = { [ifname]: "wan0", [sysctls]: "net.ipv4.conf.IFNAME.rp_filter=1" };
		const { view } = await connect("web", { options });
		expect(view.endpoint).toMatchObject({ interface: "wan0", options });
		expect(it.netd.endpoints.get(view.endpoint.id).endpoint.options).toEqual(options);
		expect(inside(alice).interfaces.get(parseIfName("wan0"))?.settings).toMatchObject([{ name: "rp_filter" }]);
		const before = everything();
		await expect(connect("back", { options: { [ifname]: "wan0" } })).rejects.toThrow(
			"alice has an interface wan0 already.",
		);
		const wrong = { [sysctls]: "net.ipv4.conf.IFNAME.no_such_thing=1" };
		await expect(connect("back", { options: wrong })).rejects.toMatchObject({ reason: "SETTING_REFUSED" });
		await expect(connect("back", { options: { mtu: "1" } })).rejects.toMatchObject({
			reason: "UNKNOWN_ENDPOINT_OPTION",
		});
		expect(everything()).toEqual(before);
	});

	test("a refusal of ipamd passes through, and is undone", async () => {
		const before = everything();
		it.allocator.down = true;
		await expect(connect("web", { ports: [tcp(8080, 80)] })).rejects.toMatchObject({ reason: "SERVICE_UNAVAILABLE" });
		it.allocator.down = false;
		expect(await it.netd.reconcile.run()).toBe(0);
		expect(everything()).toEqual(before);
	});

	test("an undo that fails is taken up again by itself, and the port is free then", async () => {
		it.kernel.fail("links.ensureLeg");
		it.kernel.fail("links.removeLeg");
		await expect(connect("web", { ports: [tcp(8080, 80)] })).rejects.toMatchObject({ reason: "KERNEL_REFUSED" });
		const bob = await it.netd.sandboxes.create(sandboxSpec("bob"), call());
		await vi.waitFor(() => connect("web", { ports: [tcp(8080, 80)] }, bob), 10_000);
		expect(it.netd.endpoints.list({ network: undefined, sandboxId: undefined }, page).items).toHaveLength(1);
	}, 30_000);

	test("many at once, on sandboxes of their own and on one", async () => {
		const sandboxes = await Promise.all(
			Array.from({ length: 20 }, (_, index) => it.netd.sandboxes.create(sandboxSpec(`s${index}`), call())),
		);
		const views = await Promise.all(sandboxes.map((sandbox) => connect("web", { ports: [tcp(0, 80)] }, sandbox)));
		expect(new Set(views.map(({ view }) => String(view.endpoint.addresses[0]))).size).toBe(20);
		expect(new Set(views.map(({ view }) => view.endpoint.ports[0]?.hostPort)).size).toBe(20);
		const both = await Promise.allSettled([connect("web"), connect("web"), connect("back")]);
		expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "fulfilled", "rejected"]);
	});
});

describe("disconnect", () => {
	test("takes everything back but the sandbox", async () => {
		const before = everything();
		const { view } = await connect("web", { ports: [tcp(8080, 80)] });
		expect(await it.netd.endpoints.disconnect(view.endpoint.id, call())).toMatchObject({ disconnected: true });
		expect(await it.netd.endpoints.disconnect(view.endpoint.id, call())).toEqual({
			disconnected: false,
			namesLag: false,
		});
		await connect("back");
		await it.netd.endpoints.disconnect(
			it.netd.endpoints.list({ network: "back", sandboxId: undefined }, page).items[0]?.endpoint.id ?? "",
			call(),
		);
		await it.netd[Symbol.asyncDispose]();
		const redirected = { ...inside(alice) }.redirect;
		inside(alice).redirect = undefined;
		expect({ ...everything(), outbox: 0 }).toEqual({ ...before, outbox: 0 });
		expect(redirected).toBe(alice.resolverPort);
		expect(it.kernel.removedFlows).toEqual(["tcp 8080", "10.61.2.2", "10.61.3.2"]);
		expect(it.netd.names.find(alice.id)).toBeUndefined();
	});

	test("what the kernel refuses is finished by the next connect", async () => {
		const { view } = await connect("web");
		it.kernel.fail("links.parkLeg");
		expect((await it.netd.endpoints.disconnect(view.endpoint.id, call())).disconnected).toBe(true);
		expect(it.netd.endpoints.get(view.endpoint.id).endpoint.status.state).toBe("deleting");
		// Something may still answer there.
		expect(it.allocator.snapshot().leases).toHaveLength(1);
		const again = await connect("web");
		expect(again.view.endpoint.interface).toBe("eth0");
		expect(it.allocator.snapshot().leases).toHaveLength(1);
	});

	test("an address that could not be given back is, by reconciliation", async () => {
		const { view } = await connect("web");
		it.allocator.down = true;
		expect((await it.netd.endpoints.disconnect(view.endpoint.id, call())).disconnected).toBe(true);
		expect(() => it.netd.endpoints.get(view.endpoint.id)).toThrow("There is no endpoint");
		it.allocator.down = false;
		expect(it.allocator.snapshot().leases).toHaveLength(1);
		await it.netd.reconcile.run();
		expect(it.allocator.snapshot().leases).toEqual([]);
	});
});

describe("ports", () => {
	test("are published and unpublished on an endpoint that is there", async () => {
		const { view } = await connect("web", { ports: [tcp(8080, 80)] });
		const endpointId = view.endpoint.id;
		const more = await it.netd.ports.publish(
			{ endpointId, ports: [tcp(8080, 80), tcp(9090, 80, "127.0.0.1")] },
			call(),
		);
		expect(more.endpoint.ports.map(({ hostPort }) => hostPort)).toEqual([8080, 9090]);
		expect(it.kernel.hostPorts.reserved()).toEqual(["tcp 0.0.0.0 8080", "tcp 127.0.0.1 9090"]);
		await expect(it.netd.ports.publish({ endpointId, ports: [tcp(9091, 80), tcp(8080, 81)] }, call())).rejects.toThrow(
			"in use by alice",
		);
		expect(it.kernel.hostPorts.reserved()).toHaveLength(2);
		const less = await it.netd.ports.unpublish({ endpointId, ports: [tcp(8080, 0), tcp(7777, 0)] }, call());
		expect(less.endpoint.ports.map(({ hostPort }) => hostPort)).toEqual([9090]);
		expect(it.kernel.firewall.observe().publications).toHaveLength(1);
		const none = await it.netd.ports.unpublish({ endpointId, ports: [] }, call());
		expect(none.endpoint.ports).toEqual([]);
		expect(it.kernel.hostPorts.reserved()).toEqual([]);
		expect(it.kernel.state.legs.get(view.endpoint.hostInterface)?.hairpin).toBe(false);
	});

	test("a failure leaves what was there", async () => {
		const { view } = await connect("web", { ports: [tcp(8080, 80)] });
		const before = everything();
		it.kernel.fail("firewall.ensurePublished");
		const publishing = it.netd.ports.publish({ endpointId: view.endpoint.id, ports: [tcp(9090, 80)] }, call());
		await expect(publishing).rejects.toMatchObject({ reason: "KERNEL_REFUSED" });
		expect(everything()).toEqual(before);
		expect(it.netd.endpoints.get(view.endpoint.id).endpoint.ports).toHaveLength(1);
	});

	test("nothing is published of an internal network; a binding of the network's is where ports go", async () => {
		await it.netd.networks.create(networkSpec("vault", { internal: true }), call());
		await expect(connect("vault", { ports: [tcp(8080, 80)] })).rejects.toMatchObject({ reason: "NETWORK_IS_INTERNAL" });
		const options = { "com.docker.network.bridge.host_binding_ipv4": "127.0.0.1" };
		await it.netd.networks.create(networkSpec("local", { options }), call());
		const { view } = await connect("local", { ports: [tcp(8080, 80)] });
		expect(String(view.endpoint.ports[0]?.hostAddress)).toBe("127.0.0.1");
	});
});

describe("sandboxes", () => {
	test("a sandbox takes its endpoints with it", async () => {
		const bob = await it.netd.sandboxes.create(sandboxSpec("bob"), call());
		await it.netd.sandboxes.delete(bob.id, call());
		const before = everything();
		const carol = await it.netd.sandboxes.create(sandboxSpec("carol"), call());
		await connect("web", { ports: [tcp(8080, 80)] }, carol);
		await connect("back", {}, carol);
		expect(await it.netd.sandboxes.delete(carol.id, call())).toBe(true);
		expect(await it.netd.sandboxes.delete(carol.id, call())).toBe(false);
		expect({ ...everything(), outbox: 0 }).toEqual({ ...before, outbox: 0 });
	});

	test.each([
		["an owner that has one", sandboxSpec("alice"), "SANDBOX_EXISTS"],
		["what is no namespace", sandboxSpec("x", { adoptPath: "/etc/passwd" }), "NOT_A_NAMESPACE"],
	])("%s is refused, and nothing has changed", async (_, spec, reason) => {
		const before = everything();
		await expect(it.netd.sandboxes.create(spec, call())).rejects.toMatchObject({ reason });
		expect(everything()).toEqual(before);
	});

	test("a failure is undone", async () => {
		const before = everything();
		it.kernel.fail("namespaces.create");
		await expect(it.netd.sandboxes.create(sandboxSpec("bob"), call())).rejects.toMatchObject({
			reason: "KERNEL_REFUSED",
		});
		expect(everything()).toEqual(before);
	});
});
