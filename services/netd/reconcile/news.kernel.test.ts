/** What others do to a host of netd's is undone soon, as the kernel's news tell it; what netd does itself is no news. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createNetns, removeNetns } from "#lib/linux/netns.ts";
import { ipJson, nftJson, runIn } from "#lib/linux/test-support/scratch-netns.ts";
import { createLog } from "#lib/log/log.ts";
import type { Endpoint } from "../endpoint.ts";
import { type LinuxKernel, openLinuxKernel } from "../kernel/linux/kernel.ts";
import type { Network } from "../network.ts";
import { ModelAllocator } from "../peers/model-allocator.ts";
import type { Sandbox } from "../sandbox.ts";
import {
	type Bench,
	bench,
	BOTH_FAMILIES,
	call,
	connectSpec,
	networkSpec,
	sandboxSpec,
	tcp,
} from "../test-support/netd.ts";

let folder: string;
let host: string;
let kernel: LinuxKernel;
let it: Bench<LinuxKernel, ModelAllocator>;
let watch: Disposable;
let runs: number;
let network: Network;
let alice: Sandbox;
let endpoint: Endpoint;

beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), "netd-news-"));
	host = join(folder, "host");
	createNetns(host);
	runIn(host, "ip", "link", "set", "lo", "up");
	const log = createLog({ service: "netd", level: "silent" });
	kernel = openLinuxKernel({ log, namespaces: join(folder, "netns"), host });
	const allocator = new ModelAllocator();
	const leases = allocator.leases.bind(allocator);
	runs = 0;
	// Asked for once in each reconciliation.
	allocator.leases = () => {
		runs += 1;
		return leases();
	};
	it = await bench({ kernel, allocator, netnsPath: (id) => join(folder, "netns", id) });
	watch = kernel.watch((news) => it.netd.reconcile.changed(news));
	const options = { "com.docker.network.bridge.name": "lan0" };
	({ network } = await it.netd.networks.create(networkSpec("web", { options, subnets: BOTH_FAMILIES }), call()));
	alice = await it.netd.sandboxes.create(sandboxSpec("alice"), call());
	endpoint = (await it.netd.endpoints.connect(connectSpec("web", alice, { ports: [tcp(8080, 80)] }), call())).view
		.endpoint;
});
afterAll(async () => {
	watch[Symbol.dispose]();
	await it[Symbol.asyncDispose]();
	for (const path of kernel.namespaces.observe()) removeNetns(path);
	kernel[Symbol.dispose]();
	removeNetns(host);
	rmSync(folder, { recursive: true });
});

/** How many problems are left when everything has been looked at from now on: one look may be under way. */
async function look(): Promise<number> {
	await it.netd.reconcile.run();
	return await it.netd.reconcile.run();
}

const until = (body: () => void): Promise<void> => vi.waitFor(body, { timeout: 15_000, interval: 150 });

/** Everything of the host and the sandbox that a row speaks of, by ip, nft and /proc; without what is numbered anew. */
function seen() {
	const links = (ipJson(host, "link", "show") as { ifname: string; operstate: string; master?: string }[])
		.map(({ ifname, operstate, master }) => `${ifname} ${operstate} ${master ?? ""}`)
		.sort();
	const addresses = (netns: string, name: string) =>
		(ipJson(netns, "addr", "show", "dev", name) as { addr_info: { local: string; scope: string }[] }[])
			.flatMap(({ addr_info }) => addr_info.filter(({ scope }) => scope === "global").map(({ local }) => local))
			.sort();
	const rules = (
		nftJson(host, "list", "ruleset") as {
			rule?: { chain: string };
			set?: { name: string; elem?: unknown };
			map?: { name: string; elem?: unknown };
		}[]
	).map(({ rule, set, map }) => JSON.stringify([rule?.chain, set?.name, set?.elem, map?.name, map?.elem]));
	return {
		links,
		gateway: addresses(host, "lan0"),
		inside: addresses(alice.netnsPath, endpoint.interface),
		routes: ["-4", "-6"].map((family) => runIn(alice.netnsPath, "ip", family, "route", "show", "default")),
		rules: rules.sort(),
		forwarding: ["net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"].map((name) =>
			runIn(host, "cat", `/proc/sys/${name}`),
		),
	};
}

const DAMAGE: Readonly<Record<string, () => readonly (readonly string[])[]>> = {
	"the whole ruleset flushed": () => [["nft", "flush", "ruleset"]],
	"a chain flushed": () => [["nft", "flush", "chain", "inet", "wharf", "forward"]],
	"a published port deleted": () => [["nft", "flush", "map", "inet", "wharf", "published4"]],
	"a bridge taken out of the rules": () => [["nft", "delete", "element", "inet", "wharf", "bridges", "{ lan0 }"]],
	"a stray element": () => [["nft", "add", "element", "inet", "wharf", "bridges", "{ eth7 }"]],
	"a bridge deleted": () => [["ip", "link", "del", "lan0"]],
	"a bridge taken down": () => [["ip", "link", "set", "lan0", "down"]],
	"a veth deleted": () => [["ip", "link", "del", endpoint.hostInterface]],
	"a veth taken down": () => [["ip", "link", "set", endpoint.hostInterface, "down"]],
	"a veth taken off its bridge": () => [["ip", "link", "set", endpoint.hostInterface, "nomaster"]],
	"a bridge's addresses deleted": () => [["ip", "addr", "flush", "dev", "lan0", "scope", "global"]],
	"one address of a bridge deleted": () => {
		const gateway = network.subnets[1];
		return [["ip", "-6", "addr", "del", `${gateway?.gateway}/${gateway?.cidr.prefix}`, "dev", "lan0"]];
	},
	"forwarding switched off": () => [["sh", "-c", "echo 0 > /proc/sys/net/ipv4/ip_forward"]],
	"IPv6 forwarding switched off": () => [["sh", "-c", "echo 0 > /proc/sys/net/ipv6/conf/all/forwarding"]],
	"all of it": () => [
		["nft", "delete", "table", "inet", "wharf"],
		["ip", "link", "del", "lan0"],
		["ip", "link", "del", endpoint.hostInterface],
	],
};

test.each(Object.keys(DAMAGE))("%s: it is back", async (name) => {
	const before = seen();
	for (const [file = "", ...args] of DAMAGE[name]?.() ?? []) runIn(host, file, ...args);
	await until(() => expect(seen()).toEqual(before));
	expect(it.netd.endpoints.get(endpoint.id).endpoint.status).toEqual({ state: "active" });
});

test.each([
	["its address", ["addr", "flush", "dev", "eth0", "scope", "global"]],
	["its default route", ["route", "del", "default"]],
	["its IPv6 default route", ["-6", "route", "del", "default"]],
	["its interface's being up", ["link", "set", "eth0", "down"]],
])("a sandbox that has lost %s inside has it again at the next look", async (_, args) => {
	const before = seen();
	runIn(alice.netnsPath, "ip", ...args);
	expect(seen()).not.toEqual(before);
	expect(await look()).toBe(0);
	expect(seen()).toEqual(before);
	expect(it.netd.endpoints.get(endpoint.id).endpoint.status).toEqual({ state: "active" });
});

test("what a container did with its own network is left: a default route that leads elsewhere, an address more", async () => {
	const inside = (...args: string[]): string => runIn(alice.netnsPath, "ip", ...args);
	inside("addr", "add", "10.250.0.2/24", "dev", "eth0");
	inside("route", "replace", "default", "via", "10.250.0.1");
	const before = seen();
	expect(await look()).toBe(0);
	expect(seen()).toEqual(before);
	inside("addr", "del", "10.250.0.2/24", "dev", "eth0"); // and the route through it
	expect(await look()).toBe(0);
	expect(inside("route", "show", "default")).toContain("default via");
});

test("a bridge's name that somebody else has taken fails the network, and it is back when the name is free", async () => {
	const before = seen();
	// netd may be quicker.
	const steal = "for n in $(seq 100); do ip link del lan0; ip link add lan0 type bridge && exit; done; exit 1";
	runIn(host, "sh", "-c", steal);
	await until(() => expect(it.netd.networks.get("web").status).toMatchObject({ state: "failed" }));
	expect(JSON.stringify(it.netd.networks.get("web").status)).toContain("lan0");
	runIn(host, "ip", "link", "del", "lan0");
	await until(() => expect(seen()).toEqual(before));
	expect(it.netd.networks.get("web").status).toEqual({ state: "active" });
	expect(it.netd.endpoints.get(endpoint.id).endpoint.status).toEqual({ state: "active" });
});

test("a neighbour that somebody has written under a wrong MAC is asked for again; right ones and others' stay", async () => {
	const [address = ""] = endpoint.addresses.map(({ ip }) => ip.toString());
	const [six = ""] = endpoint.addresses.flatMap(({ ip }) => (ip.family === 6 ? [ip.toString()] : []));
	const free = address.replace(/\d+$/, "77");
	runIn(host, "ip", "link", "add", "eth1", "type", "veth", "peer", "name", "wire1");
	runIn(host, "ip", "link", "set", "eth1", "up");
	const write = (to: string, dev: string, nud: string, mac = "02:00:00:00:00:66"): string =>
		runIn(host, "ip", "neigh", "replace", to, "lladdr", mac, "dev", dev, "nud", nud);
	const written = (dev: string): string[] =>
		(ipJson(host, "neigh", "show", "dev", dev, "nud", "permanent") as { dst: string }[]).map(({ dst }) => dst).sort();
	const ping = (to: string) => runIn(host, "ping", "-c1", "-W1", to);
	write(address, "eth1", "permanent");
	write(free, "lan0", "permanent");
	write(six, "lan0", "permanent", endpoint.mac);
	write(address, "lan0", "permanent");
	expect(() => ping(address)).toThrow("Command failed");
	await until(() => expect(written("lan0")).toEqual([free, six].sort()));
	for (const to of [address, six]) expect(ping(to)).toContain("1 received");
	expect(written("eth1")).toEqual([address]);
	write(address, "lan0", "noarp"); // without news
	expect(await look()).toBe(0);
	expect(ping(address)).toContain("1 received");
	for (const [to, dev] of [
		[six, "lan0"],
		[free, "lan0"],
		[address, "eth1"],
	] as const)
		runIn(host, "ip", "neigh", "del", to, "dev", dev);
	runIn(host, "ip", "link", "del", "eth1");
});

test("a bridge's uplink that is taken off it, or down, is its port again as soon as it can be", async () => {
	runIn(host, "ip", "link", "add", "eth1", "type", "veth", "peer", "name", "wire1");
	for (const name of ["eth1", "wire1"]) runIn(host, "ip", "link", "set", name, "up");
	const options = { "wharf.bridge.uplink": "eth1", "com.docker.network.bridge.name": "seg0" };
	await it.netd.networks.create(networkSpec("lan", { options }), call());
	const master = () => (ipJson(host, "link", "show", "eth1") as { master?: string }[])[0]?.master;
	const status = () => it.netd.networks.get("lan").status;
	runIn(host, "ip", "link", "set", "eth1", "nomaster");
	await until(() => expect(master()).toBe("seg0"));
	runIn(host, "ip", "link", "set", "eth1", "nomaster", "down");
	await until(() => expect(status()).toMatchObject({ state: "failed", reason: expect.stringContaining("eth1") }));
	runIn(host, "ip", "link", "set", "eth1", "up");
	await until(() => expect([master(), status()]).toEqual(["seg0", { state: "active" }]));
	await it.netd.networks.delete("lan", call());
	runIn(host, "ip", "link", "del", "eth1");
});

/** Until nothing was reconciled for a second. */
async function untilQuiet(): Promise<void> {
	for (let before = -1; before !== runs; ) {
		before = runs;
		await sleep(1_000);
	}
}

test("what netd does itself begins nothing: connects, publications, networks and their ends", async () => {
	await untilQuiet();
	const before = runs;
	const sandboxes: Sandbox[] = [];
	for (let index = 0; index < 40; index += 1) {
		const sandbox = await it.netd.sandboxes.create(sandboxSpec(`s${index}`), call());
		sandboxes.push(sandbox);
		await it.netd.endpoints.connect(connectSpec("web", sandbox, { ports: [tcp(0, 80)] }), call());
	}
	for (let index = 0; index < 5; index += 1) {
		await it.netd.networks.create(networkSpec(`n${index}`), call());
		await it.netd.networks.delete(`n${index}`, call());
	}
	for (const { id } of sandboxes) await it.netd.sandboxes.delete(id, call());
	await untilQuiet();
	// A bridge that is seen in the middle of its making may be looked at.
	expect(runs - before).toBeLessThan(6);
});

test("somebody who keeps changing our table costs a few looks, not one for each change", async () => {
	await untilQuiet();
	const before = runs;
	const commands = `for n in $(seq 300); do
		nft add element inet wharf bridges '{ eth7 }'; nft delete element inet wharf bridges '{ eth7 }' || true
	done 2> /dev/null`;
	runIn(host, "sh", "-c", commands);
	await untilQuiet();
	expect(runs).toBeGreaterThan(before);
	expect(runs - before).toBeLessThan(60);
	expect(seen().rules.join(" ")).not.toContain("eth7");
});

/** The last: the sandbox is gone for good. */
test("what cannot be put back is said of the endpoint, and tried no more for each trace of trying", async () => {
	runIn(host, "umount", "-l", alice.netnsPath); // its links go with it
	await until(() =>
		expect(it.netd.endpoints.get(endpoint.id).endpoint.status).toEqual({
			state: "failed",
			reason: "its network namespace is gone",
		}),
	);
	await untilQuiet();
	const before = runs;
	await sleep(1_500);
	expect(runs - before).toBeLessThan(2);
});
