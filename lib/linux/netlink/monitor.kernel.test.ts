/** What `ip`, `nft` and `sysctl` do to a namespace, as the monitor tells it. */
import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { parseIfName } from "#lib/address/if-name.ts";
import { run } from "#lib/exec/run.ts";
import { writeSysctl } from "../sysctl.ts";
import { descriptorTargets } from "../test-support/descriptors.ts";
import { runIn, ScratchNetns } from "../test-support/scratch-netns.ts";
import { ElementBatch } from "../nft/element-batch.ts";
import { concatenation, ifname } from "../nft/field.ts";
import { NfTables } from "../nft/nf-tables.ts";
import { Monitor, type MonitorOptions } from "./monitor.ts";
import type { News } from "./monitor-news.ts";
import { Rtnetlink } from "./rtnetlink.ts";

let scratch: ScratchNetns;
let netns: string;
let told: News[];
let monitor: Monitor | undefined;

beforeEach(() => {
	scratch = new ScratchNetns();
	netns = scratch.create("a");
	told = [];
});

afterEach(() => {
	monitor?.[Symbol.dispose]();
	monitor = undefined;
	scratch[Symbol.dispose]();
});

function watch(options: Partial<MonitorOptions> = {}): void {
	const failed = (error: unknown): void => {
		throw error;
	};
	monitor = Monitor.open({ netns, tell: (news) => told.push(news), failed, ...options });
}

const ip = (...args: string[]): string => runIn(netns, "ip", ...args);
const indexOf = (name: string): number => {
	using rtnl = Rtnetlink.open(netns);
	return rtnl.links.get(parseIfName(name)).index;
};
/** The last that was told of a link. */
const linkNews = (name: string) => told.findLast(({ links }) => links.has(name))?.links.get(name);

const until = (body: () => void): Promise<void> => vi.waitFor(body, { timeout: 10_000, interval: 20 });

test("links that come, change and go, by the last word about each", async () => {
	watch();
	ip("link", "add", "br0", "type", "bridge");
	ip("link", "set", "br0", "up");
	ip("link", "add", "a0", "type", "veth", "peer", "name", "a1");
	ip("link", "set", "a0", "master", "br0", "up");
	await until(() => expect(linkNews("br0")).toEqual({ state: "up", isPort: false }));
	await until(() => expect(linkNews("a0")).toEqual({ state: "up", isPort: true }));
	expect(linkNews("a1")).toEqual({ state: "down", isPort: false });
	// The bridge's own message about its port ends here, and the link does not.
	ip("link", "set", "a0", "nomaster");
	await until(() => expect(linkNews("a0")).toEqual({ state: "up", isPort: false }));
	ip("link", "set", "br0", "down");
	await until(() => expect(linkNews("br0")?.state).toBe("down"));
	ip("link", "del", "a0");
	await until(() => expect([linkNews("a0")?.state, linkNews("a1")?.state]).toEqual(["gone", "gone"]));
});

test("addresses and routes that go, and forwarding that is switched off", async () => {
	ip("link", "add", "br0", "type", "bridge");
	ip("link", "set", "br0", "up");
	ip("addr", "add", "10.9.0.1/24", "dev", "br0");
	ip("addr", "add", "fd00:9::1/64", "dev", "br0", "nodad");
	ip("route", "add", "10.10.0.0/24", "via", "10.9.0.2");
	for (const name of ["net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"]) writeSysctl(netns, name, 1);
	watch();
	const index = indexOf("br0");
	ip("route", "del", "10.10.0.0/24");
	await until(() => expect(told.some(({ routeLosses }) => routeLosses.has(index))).toBe(true));
	expect(told.some(({ addressLosses }) => addressLosses.has(index))).toBe(false);
	ip("addr", "del", "10.9.0.1/24", "dev", "br0");
	await until(() => expect(told.some(({ addressLosses }) => addressLosses.has(index))).toBe(true));
	told = [];
	ip("addr", "del", "fd00:9::1/64", "dev", "br0");
	await until(() => expect(told.some(({ addressLosses }) => addressLosses.has(index))).toBe(true));
	const off = (): number[] => told.flatMap(({ forwardingOff }) => [...forwardingOff]);
	expect(off()).toEqual([]);
	writeSysctl(netns, "net/ipv6/conf/br0/forwarding", 0);
	writeSysctl(netns, "net/ipv4/ip_forward", 0);
	await until(() => expect(off()).toEqual([4]));
	writeSysctl(netns, "net/ipv6/conf/all/forwarding", 0);
	await until(() => expect(off()).toEqual([4, 6]));
});

test("nothing but addresses and routes, that come as well, where only they are wanted", async () => {
	watch({ addressesOnly: true });
	ip("link", "add", "br0", "type", "bridge");
	ip("link", "set", "br0", "up");
	runIn(netns, "nft", "add", "table", "inet", "theirs");
	ip("link", "add", "a0", "type", "veth", "peer", "name", "a1");
	for (const name of ["a0", "a1"]) ip("link", "set", name, "up");
	// With a link-local address each, and routes to that and to multicast.
	await until(() => expect(ip("-6", "route", "show", "table", "local", "dev", "a1")).toContain("multicast"));
	await sleep(300);
	expect(told).toEqual([]);
	ip("addr", "add", "10.9.0.1/24", "dev", "br0");
	await until(() => expect(told.some(({ added }) => added)).toBe(true));
	told = [];
	ip("route", "add", "10.10.0.0/24", "via", "10.9.0.2");
	await until(() => expect(told.map(({ added }) => added)).toEqual([true]));
	expect(told.flatMap(({ links, tables }) => [...links, ...tables])).toEqual([]);
	ip("route", "del", "10.10.0.0/24");
	await until(() => expect(told.some(({ routeLosses }) => routeLosses.has(indexOf("br0")))).toBe(true));
});

test("neighbours that somebody writes, and none that the kernel learns or a bridge forwards to", async () => {
	for (const name of ["br0", "br1"]) ip("link", "add", name, "type", "bridge");
	ip("link", "add", "a0", "type", "veth", "peer", "name", "a1");
	for (const name of ["br0", "br1", "a0", "a1"]) ip("link", "set", name, "up");
	watch();
	const written = (): number[] => told.flatMap(({ writtenNeighbours }) => [...writtenNeighbours]);
	const neighbour = (address: string, dev: string, nud: string): string =>
		ip("neigh", "replace", address, "lladdr", "02:00:00:00:00:09", "dev", dev, "nud", nud);
	neighbour("10.9.0.9", "br0", "reachable");
	neighbour("fd00:9::9", "br0", "stale");
	ip("neigh", "del", "10.9.0.9", "dev", "br0");
	runIn(netns, "bridge", "fdb", "add", "02:00:00:00:00:08", "dev", "a0", "self", "permanent");
	ip("link", "set", "a0", "master", "br0");
	neighbour("10.9.0.8", "br1", "permanent");
	await until(() => expect(written()).toEqual([indexOf("br1")]));
	neighbour("fd00:9::8", "br0", "permanent");
	await until(() => expect(new Set(written())).toEqual(new Set([indexOf("br1"), indexOf("br0")])));
	ip("neigh", "del", "fd00:9::8", "dev", "br0");
});

test("tables that others are at, and not what the sockets that are passed over do", async () => {
	runIn(netns, "nft", "add table inet t; add set inet t s { type ifname; }; add table ip other");
	using own = NfTables.open(netns);
	watch({ passedOver: [own.portId] });
	const ref = { family: "inet", table: "t", set: "s" } as const;
	const batch = (verb: "add" | "remove", name: string): ElementBatch => {
		const made = new ElementBatch();
		made[verb](ref, concatenation(ifname(parseIfName(name))));
		return made;
	};
	own.commit(batch("add", "eth0"));
	own.commit(batch("remove", "eth0"));
	own.commit(batch("add", "eth1"));
	// A later change is told of, so the ones before have been read.
	runIn(netns, "nft", "add chain ip other c");
	await until(() => expect(told.flatMap(({ tables }) => [...tables])).toEqual(["ip other"]));
	using another = NfTables.open(netns);
	another.commit(batch("remove", "eth1"));
	await until(() => expect(told.flatMap(({ tables }) => [...tables])).toEqual(["ip other", "inet t"]));
	told = [];
	runIn(netns, "nft", "flush", "ruleset");
	await until(() => expect(told.flatMap(({ tables }) => [...tables]).sort()).toEqual(["inet t", "ip other"]));
});

/** Hundreds of changes to one link, in one process of `ip`. */
function burst(name: string): void {
	const commands = `for mtu in $(seq 1000 1500); do echo "link set ${name} mtu $mtu"; done | ip -batch -`;
	runIn(netns, "sh", "-c", commands);
}

test("more than the queue holds is told as an overrun, and the news go on", async () => {
	ip("link", "add", "br0", "type", "bridge");
	watch({ queueBytes: 8 * 1024 });
	burst("br0");
	await until(() => expect(told.some(({ overrun }) => overrun)).toBe(true));
	ip("link", "del", "br0");
	await until(() => expect(linkNews("br0")?.state).toBe("gone"));
});

test("a burst is a few messages, and a quiet namespace none", async () => {
	ip("link", "add", "br0", "type", "bridge");
	ip("link", "add", "br1", "type", "bridge");
	watch();
	burst("br0");
	ip("link", "del", "br1");
	await until(() => expect(linkNews("br1")?.state).toBe("gone"));
	expect(linkNews("br0")?.state).toBe("down");
	expect(told.length).toBeLessThan(100);
	const before = told.length;
	await sleep(300);
	expect(told.length).toBe(before);
	expect(told.some(({ overrun }) => overrun)).toBe(false);
});

const threads = (): number => readdirSync("/proc/self/task").length;
const sockets = (): string[] =>
	descriptorTargets()
		.filter((target) => target.startsWith("socket:") || target.includes("eventfd"))
		.sort();

test("its end leaves no thread and no descriptor, also at once", async () => {
	watch();
	monitor?.[Symbol.dispose]();
	const before = { threads: threads(), sockets: sockets() };
	for (const pauseMs of [0, 50, 200]) {
		watch();
		await sleep(pauseMs);
		monitor?.[Symbol.dispose]();
		monitor?.[Symbol.dispose]();
	}
	await until(() => expect({ threads: threads(), sockets: sockets() }).toEqual(before));
	told = [];
	ip("link", "add", "br0", "type", "bridge");
	await sleep(200);
	expect(told).toEqual([]);
});

test("a process that ends, orderly or by an error, does not wait for it; an idle one has nothing else to wait for", async () => {
	for (const [end, status] of [
		["process.exit(3)", 3],
		["setTimeout(() => { throw new Error('on purpose') }, 50)", 1],
		["", 0],
	] as const) {
		const source = `
			import { Monitor } from ${JSON.stringify(new URL("./monitor.ts", import.meta.url).href)};
			Monitor.open({ tell() {}, failed: console.error });
			await new Promise((resolve) => setTimeout(resolve, 200));
			${end}
		`;
		const args = [`--net=${netns}`, "--", process.execPath, "--input-type=module", "-e", source];
		const { exitCode } = await run("nsenter", args, { timeoutMs: 10_000, acceptExit: [0, 1, 3] });
		expect(exitCode).toBe(status);
	}
});
