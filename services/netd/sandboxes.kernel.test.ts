/** Namespaces of somebody else's, and shared ones, on the real kernel: what is inside is looked up by ip and nft. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Child, start } from "#lib/exec/run.ts";
import { ipJson, runIn } from "#lib/linux/test-support/scratch-netns.ts";
import { inOwnNetns, type NetnsProcess } from "#lib/linux/test-support/netns-process.ts";
import type { Sandbox } from "./sandbox.ts";
import { BOTH_FAMILIES, call, connectSpec, networkSpec, sandboxSpec, tcp } from "./test-support/netd.ts";
import { HOST, OUTSIDE, type Town, town } from "./test-support/town.ts";

let t: Town;
let guest: NetnsProcess;
beforeEach(async () => {
	t = await town();
	guest = await inOwnNetns();
	await t.it.netd.networks.create(networkSpec("front", { subnets: BOTH_FAMILIES, driver: "bridge" }), call());
	await t.it.netd.networks.create(networkSpec("back"), call());
});
afterEach(async () => {
	guest.kill();
	await t[Symbol.asyncDispose]();
});

const create = (name: string, more: Parameters<typeof sandboxSpec>[1] = {}): Promise<Sandbox> =>
	t.it.netd.sandboxes.create(sandboxSpec(name, more), call());

async function connect(of: Sandbox, network: string, more: Parameters<typeof connectSpec>[2] = {}) {
	const { view } = await t.it.netd.endpoints.connect(connectSpec(network, of, more), call());
	const { id, addresses } = view.endpoint;
	return { id, address: addresses[0]?.ip.toString() ?? "" };
}

/** Links, addresses, routes, policy rules, packet rules and the settings of links, by other programs. */
function inside(netns: string): Record<string, string> {
	const asked = {
		links: ["ip", "-o", "addr"],
		routes: ["ip", "route", "show", "table", "all"],
		routes6: ["ip", "-6", "route", "show", "table", "all"],
		rules: ["ip", "rule"],
		rules6: ["ip", "-6", "rule"],
		packets: ["nft", "list", "ruleset"],
		settings: ["sysctl", "-a", "--pattern", "^net\\.ipv[46]\\.conf"],
	} as const;
	return Object.fromEntries(
		Object.entries(asked).map(([what, [file, ...args]]) => [what, runIn(netns, file, ...args)]),
	);
}

const veths = (): string[] =>
	(ipJson(t.host, "link", "show", "type", "veth") as { ifname?: string }[])
		.map(({ ifname = "" }) => ifname)
		.filter((name) => name.startsWith("wv-"));

test("a process's namespace is connected, disconnected, and let go as it was; the process lives on", async () => {
	runIn(guest.path, "ip", "link", "set", "lo", "up");
	const before = inside(guest.path);
	const alice = await create("alice", { adoptPid: guest.pid });
	const { id, address } = await connect(alice, "front", { ports: [tcp(8080, 80)] });
	await connect(alice, "back");
	await t.serve(guest.path, 80);
	const links = (ipJson(guest.path, "link", "show") as { ifname: string }[]).map(({ ifname }) => ifname);
	expect(links.sort()).toEqual(["eth0", "eth1", "lo"]);
	expect(await t.ask(t.outside, HOST, 8080)).toBe(OUTSIDE);
	expect(runIn(guest.path, "nft", "list", "ruleset")).toContain("127.0.0.11");
	expect(runIn(guest.path, "ip", "route", "get", OUTSIDE)).toContain(`src ${address}`);
	await t.it.netd.endpoints.disconnect(id, call());
	expect(await t.ask(t.outside, HOST, 8080)).toBe("");
	await t.it.netd.sandboxes.delete(alice.id, call());
	await vi.waitFor(() => expect(inside(guest.path)).toEqual(before), 5_000);
	expect(t.it.kernel.namespaces.observe()).toEqual([]);
	expect(veths()).toEqual([]);
	process.kill(guest.pid, 0);
});

test("one whose loopback is down has it up, and again when somebody takes it down: the resolver's sockets need it", async () => {
	const loopback = () => runIn(guest.path, "ip", "-o", "-4", "addr", "show", "dev", "lo", "up");
	expect(loopback()).toBe("");
	const alice = await create("alice", { adoptPid: guest.pid });
	expect(loopback()).toContain("127.0.0.1/8");
	runIn(guest.path, "ip", "link", "set", "lo", "down");
	expect(await t.it.netd.reconcile.run()).toBe(0);
	expect(loopback()).toContain("127.0.0.1/8");
	await t.it.netd.sandboxes.delete(alice.id, call());
	expect(loopback()).toContain("127.0.0.1/8");
});

test("it is held when the process has ended: traffic passes, and nothing is wrong until it is let go", async () => {
	const alice = await create("alice", { adoptPid: guest.pid });
	const { address } = await connect(alice, "front");
	const [before] = runIn(alice.netnsPath, "readlink", "/proc/self/ns/net").split("\n");
	await guest.end();
	expect(await t.it.netd.reconcile.run()).toBe(0);
	expect(t.it.netd.sandboxes.get(alice.id).status).toEqual({ state: "active" });
	expect(runIn(t.host, "ping", "-c1", "-W2", address)).toContain("1 received");
	await connect(alice, "back");
	expect(runIn(alice.netnsPath, "readlink", "/proc/self/ns/net").split("\n")).toContain(before);
	await t.it.netd.sandboxes.delete(alice.id, call());
	await vi.waitFor(() => expect(veths()).toEqual([]), 5_000);
	expect(t.it.kernel.namespaces.observe()).toEqual([]);
});

test("the host's own namespace and one that is there already are refused, by every road", async () => {
	const alice = await create("alice", { adoptPid: guest.pid });
	const reasonOf = (more: Parameters<typeof sandboxSpec>[1]) =>
		create("x", more).then(
			() => "made",
			(error: { reason: string }) => error.reason,
		);
	expect(await reasonOf({ adoptPid: process.pid })).toBe("HOST_NAMESPACE");
	expect(await reasonOf({ adoptPath: "/proc/self/ns/net" })).toBe("HOST_NAMESPACE");
	expect(await reasonOf({ adoptPath: t.host })).toBe("HOST_NAMESPACE");
	expect(await reasonOf({ adoptPid: guest.pid })).toBe("NAMESPACE_TAKEN");
	expect(await reasonOf({ adoptPath: guest.path })).toBe("NAMESPACE_TAKEN");
	expect(await reasonOf({ adoptPath: alice.netnsPath })).toBe("NAMESPACE_TAKEN");
	expect(t.it.kernel.namespaces.observe()).toEqual([alice.netnsPath]);
});

test("what runs in a shared namespace keeps none of the network when its owner goes", async () => {
	const alice = await create("alice");
	const bob = await create("bob", { join: alice.id });
	const { address } = await connect(alice, "front", { ports: [tcp(8080, 80)] });
	await connect(alice, "back");
	const child: Child = start("nsenter", [`--net=${bob.netnsPath}`, "--", "sleep", "60"]);
	try {
		const within = `/proc/${child.pid}/ns/net`;
		await vi.waitFor(() => expect(runIn(within, "ip", "-4", "addr")).toContain(address));
		await t.serve(within, 80);
		expect(await t.ask(t.outside, HOST, 8080)).toBe(OUTSIDE);
		await t.it.netd.sandboxes.delete(alice.id, call());
		expect(await t.ask(t.outside, HOST, 8080)).toBe("");
		await vi.waitFor(() => expect(veths()).toEqual([]), 5_000);
		const links = (ipJson(within, "link", "show") as { ifname: string }[]).map(({ ifname }) => ifname);
		expect(links).toEqual(["lo"]);
		expect(runIn(within, "nft", "list", "ruleset")).toBe("");
		expect(runIn(within, "ip", "rule")).not.toContain(address);
		expect(t.it.kernel.namespaces.observe()).toEqual([]);
		expect(t.it.netd.sandboxes.get(bob.id).status.state).toBe("failed");
		expect(await t.it.netd.reconcile.run()).toBe(0);
		await t.it.netd.sandboxes.delete(bob.id, call());
	} finally {
		child.kill("SIGKILL");
		await child.done;
	}
});
