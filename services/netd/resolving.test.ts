/** Where unknown names of a sandbox are asked, what its links stand for, and that a next process says the same. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { Ip } from "#lib/address/ip.ts";
import type { ModelKernel } from "./kernel/model/model.ts";
import type { ModelAllocator } from "./peers/model-allocator.ts";
import type { Sandbox } from "./sandbox.ts";
import { type Bench, call, connectSpec, modelBench, networkSpec, sandboxSpec } from "./test-support/netd.ts";

const ips = (...texts: readonly string[]): Ip[] => texts.map((text) => Ip.parse(text));

let it: Bench<ModelKernel, ModelAllocator>;
let alice: Sandbox;
beforeEach(async () => {
	it = await modelBench();
	await it.netd.networks.create(networkSpec("plain"), call());
	await it.netd.networks.create(networkSpec("one", { dnsServers: ips("192.0.2.1", "2001:db8::1") }), call());
	await it.netd.networks.create(networkSpec("two", { dnsServers: ips("192.0.2.2", "192.0.2.1") }), call());
	const vault = networkSpec("vault", { internal: true, dnsServers: ips("192.0.2.3") });
	const { warnings } = await it.netd.networks.create(vault, call());
	expect(warnings).toEqual(["Nothing is asked at the DNS servers of vault: it is internal."]);
	alice = await it.netd.sandboxes.create(sandboxSpec("alice"), call());
});
afterEach(() => it[Symbol.asyncDispose]());

const connect = (network: string, more: Parameters<typeof connectSpec>[2] = {}, sandbox = alice) =>
	it.netd.endpoints.connect(connectSpec(network, sandbox, more), call());
/** As a resolver is told, which is also what a reader of the sandbox sees. */
function servers(sandbox = alice): string[] {
	const told = it.netd.names.find(sandbox.id)?.dnsServers.map(String) ?? [];
	expect(it.netd.sandboxes.resolving(sandbox).dnsServers.map(String)).toEqual(told);
	return told;
}

test("a sandbox's networks say it, the highest priority first, then the oldest, each server once; an internal one says nothing", async () => {
	await connect("vault");
	await connect("plain");
	expect(servers()).toEqual([]);
	await connect("one");
	expect(servers()).toEqual(["192.0.2.1", "2001:db8::1"]);
	const { view } = await connect("two", { gatewayPriority: 1 });
	expect(servers()).toEqual(["192.0.2.2", "192.0.2.1", "2001:db8::1"]);
	await it.restart();
	expect(servers()).toEqual(["192.0.2.2", "192.0.2.1", "2001:db8::1"]);
	await it.netd.endpoints.disconnect(view.endpoint.id, call());
	expect(servers()).toEqual(["192.0.2.1", "2001:db8::1"]);
});

test("what the sandbox says goes before its networks, and the settings come last", async () => {
	const own = await it.netd.sandboxes.create(sandboxSpec("own", { dnsServers: ips("198.51.100.7") }), call());
	await connect("one", {}, own);
	expect(servers(own)).toEqual(["198.51.100.7"]);
	await connect("plain");
	await it.restart({ settings: { dns: ips("203.0.113.5") } });
	expect(servers()).toEqual(["203.0.113.5"]);
	expect(servers(own)).toEqual(["198.51.100.7"]);
	await connect("one");
	expect(servers()).toEqual(["192.0.2.1", "2001:db8::1"]);
});

test("one that shares another's namespace has what that one has; one on the default bridge, what the settings say", async () => {
	await connect("one");
	const guest = await it.netd.sandboxes.create(sandboxSpec("guest", { join: alice.id }), call());
	expect(it.netd.sandboxes.resolving(guest).dnsServers.map(String)).toEqual(["192.0.2.1", "2001:db8::1"]);
	await it.restart({ settings: { dns: ips("203.0.113.5") } });
	const plain = await it.netd.sandboxes.create(sandboxSpec("plain"), call());
	await connect("bridge", {}, plain);
	const { hasResolver, dnsServers } = it.netd.sandboxes.resolving(plain);
	expect([hasResolver, dnsServers.map(String)]).toEqual([false, ["203.0.113.5"]]);
});

test("one that shares another's has what that one says without a network, whatever its own record says; then its own", async () => {
	const owner = await it.netd.sandboxes.create(sandboxSpec("owner", { dnsServers: ips("198.51.100.7") }), call());
	const { id } = await it.netd.sandboxes.create(sandboxSpec("guest", { join: owner.id }), call());
	const servers = () => it.netd.sandboxes.resolving(it.netd.sandboxes.get(id)).dnsServers.map(String);
	expect(servers()).toEqual(["198.51.100.7"]);
	// As an earlier version had it.
	const sql = "UPDATE sandboxes SET dns_servers = '[\"203.0.113.5\"]' WHERE id = ?";
	await it.store.write([{ sql, params: [id] }], "test.changed");
	expect(servers()).toEqual(["198.51.100.7"]);
	await it.netd.sandboxes.delete(owner.id, call());
	expect(servers()).toEqual(["203.0.113.5"]);
});

test("a network made from a configuration has the configuration's servers", async () => {
	const base = networkSpec("base", { driver: "", configOnly: true, dnsServers: ips("192.0.2.9") });
	await it.netd.networks.create(base, call());
	await it.netd.networks.create(networkSpec("made", { configFrom: "base", subnets: [] }), call());
	await connect("made");
	expect(servers()).toEqual(["192.0.2.9"]);
});

test("links are told with their endpoint, and after a restart again", async () => {
	const links = { store: "db", kv: "redis" };
	const { view } = await connect("one", { links });
	await connect("two");
	const told = () => it.netd.names.find(alice.id)?.endpoints.map((leg) => [leg.networkName, leg.links]);
	const wanted = [
		["one", links],
		["two", {}],
	];
	expect(told()).toEqual(wanted);
	expect(it.netd.endpoints.get(view.endpoint.id).endpoint.links).toEqual(links);
	await it.restart();
	expect(told()).toEqual(wanted);
});
