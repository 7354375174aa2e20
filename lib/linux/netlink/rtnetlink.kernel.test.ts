import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Cidr } from "#lib/address/cidr.ts";
import { parseIfName } from "#lib/address/if-name.ts";
import { Ip } from "#lib/address/ip.ts";
import { parseMac } from "#lib/address/mac.ts";
import { ipJson, runIn, ScratchNetns } from "../test-support/scratch-netns.ts";
import { Rtnetlink } from "./rtnetlink.ts";

const br0 = parseIfName("br0");
const host0 = parseIfName("host0");
const eth0 = parseIfName("eth0");
const lo = parseIfName("lo");
const ip = Ip.parse;
const cidr = Cidr.parse;

let scratch: ScratchNetns;
let host: string;
let rt: Rtnetlink;

beforeEach(() => {
	scratch = new ScratchNetns();
	host = scratch.create("host");
	rt = Rtnetlink.open(host);
});

afterEach(() => {
	rt[Symbol.dispose]();
	scratch[Symbol.dispose]();
});

/** One link as `ip -j -d link` has it. */
function link(path: string, name: string) {
	return ipJson(path, "link", "show", name)[0];
}

describe("links", () => {
	test.for([1400, 1500])("a bridge keeps the address and the MTU %i it was born with", (mtu) => {
		rt.links.addBridge({ name: br0, mac: parseMac("02:42:0a:00:00:01"), mtu, up: true });
		rt.links.set(br0, { alias: "network a" });
		const peer = { name: eth0, netns: scratch.create("container") };
		rt.links.addVeth({
			name: host0,
			mtu: 1450,
			mac: parseMac("00:00:00:00:00:42"),
			master: rt.links.get(br0).index,
			peer,
		});
		expect(link(host, "br0")).toMatchObject({
			address: "02:42:0a:00:00:01",
			mtu,
			ifalias: "network a",
			linkinfo: { info_kind: "bridge" },
		});
		expect(link(host, "br0").flags).toContain("UP");
	});

	test("both ends of a veth pair are born where and as they shall be", () => {
		const container = scratch.create("container");
		rt.links.addBridge({ name: br0 });
		const master = rt.links.get(br0).index;
		rt.links.addVeth({
			name: host0,
			mtu: 1380,
			master,
			up: true,
			mac: parseMac("02:00:00:00:00:01"),
			peer: { name: eth0, netns: container, mtu: 1380, mac: parseMac("02:00:00:00:00:02") },
		});
		rt.links.set(host0, { alias: "endpoint e" });
		expect(link(host, "host0")).toMatchObject({
			master: "br0",
			mtu: 1380,
			ifalias: "endpoint e",
			address: "02:00:00:00:00:01",
			linkinfo: { info_kind: "veth", info_slave_kind: "bridge" },
		});
		expect(link(host, "host0").flags).toContain("UP");
		expect(link(container, "eth0")).toMatchObject({
			mtu: 1380,
			address: "02:00:00:00:00:02",
			linkinfo: { info_kind: "veth" },
		});
		expect(rt.links.list({ master }).map((port) => port.name)).toEqual(["host0"]);
		expect(rt.links.list({ kind: "bridge" }).map((each) => each.name)).toEqual(["br0"]);
		expect(rt.links.list({ kind: "nosuchkind" })).toEqual([]);
		expect(rt.links.get(host0)).toMatchObject({
			kind: "veth",
			master,
			mtu: 1380,
			alias: "endpoint e",
			mac: "02:00:00:00:00:01",
			lower: link(container, "eth0").ifindex,
			up: true,
		});
	});

	test("vxlan and macvlan say what ip says", () => {
		rt.links.addBridge({ name: eth0, up: true });
		const lower = rt.links.get(eth0).index;
		rt.links.addMacvlan({ name: parseIfName("mac0"), lower, mode: "private" });
		const container = scratch.create("container");
		rt.links.addMacvlan({ name: parseIfName("mac1"), lower, mode: "bridge", netns: container });
		rt.links.addVxlan({
			name: parseIfName("vx4"),
			vni: 4711,
			port: 4789,
			local: ip("10.0.0.1"),
			underlay: lower,
			learning: false,
		});
		rt.links.addVxlan({ name: parseIfName("vx6"), vni: 4712, port: 8472, local: ip("fd00::1"), learning: true });
		expect(link(host, "mac0").linkinfo).toMatchObject({ info_kind: "macvlan", info_data: { mode: "private" } });
		expect(link(container, "mac1").linkinfo).toMatchObject({ info_kind: "macvlan", info_data: { mode: "bridge" } });
		expect(link(host, "vx4").linkinfo.info_data).toMatchObject({
			id: 4711,
			port: 4789,
			local: "10.0.0.1",
			link: "eth0",
			learning: false,
		});
		expect(link(host, "vx6").linkinfo.info_data).toMatchObject({
			id: 4712,
			port: 8472,
			local6: "fd00::1",
			learning: true,
		});
	});

	test("a link changes, is renamed and moves", () => {
		const container = scratch.create("container");
		rt.links.addBridge({ name: br0 });
		rt.links.addVeth({ name: host0, peer: { name: eth0, netns: scratch.create("other") } });
		const { index } = rt.links.get(br0);
		rt.links.set(host0, { master: index, up: true, mtu: 1300, mac: parseMac("02:00:00:00:00:09"), alias: "x" });
		expect(link(host, "host0")).toMatchObject({ master: "br0", mtu: 1300, address: "02:00:00:00:00:09", ifalias: "x" });
		rt.links.set(host0, { port: { hairpin: true, isolated: true, learning: false } });
		expect(link(host, "host0").linkinfo.info_slave_data).toMatchObject({
			hairpin: true,
			isolated: true,
			learning: false,
		});
		rt.links.set(host0, { master: null, up: false });
		expect(link(host, "host0")).not.toHaveProperty("master");
		expect(link(host, "host0").flags).not.toContain("UP");
		rt.links.set(host0, { name: eth0 });
		expect(rt.links.find(host0)).toBeUndefined();
		rt.links.set(eth0, { netns: container, name: parseIfName("moved") });
		expect(link(container, "moved").mtu).toBe(1300);
		expect(rt.links.find(eth0)).toBeUndefined();
	});

	test("removing one end removes the pair, here or aside", async () => {
		const container = scratch.create("container");
		for (const name of ["p0", "p1"].map(parseIfName)) {
			rt.links.addVeth({ name, peer: { name, netns: container } });
		}
		rt.links.remove(parseIfName("p0"));
		await rt.links.removeAside(rt.links.get(parseIfName("p1")).index);
		expect(ipJson(host, "link").map((each) => each.ifname)).toEqual(["lo"]);
		expect(ipJson(container, "link").map((each) => each.ifname)).toEqual(["lo"]);
		await expect(rt.links.removeAside(parseIfName("p1"))).rejects.toMatchObject({ code: "ENODEV" });
	});

	test("what the kernel refuses carries errno and its words", () => {
		rt.links.addBridge({ name: br0 });
		expect(() => rt.links.addBridge({ name: br0 })).toThrow(
			expect.objectContaining({ name: "NetlinkError", code: "EEXIST", call: "add link br0" }),
		);
		expect(() => rt.links.remove(eth0)).toThrow(expect.objectContaining({ code: "ENODEV" }));
		expect(() => rt.links.addBridge({ name: eth0, mtu: 2 ** 31 })).toThrow(
			expect.objectContaining({ code: "EINVAL", kernelText: expect.stringMatching(/mtu/) }),
		);
		expect(rt.links.find(999)).toBeUndefined();
	});

	test("a list of more links than a datagram holds is whole", () => {
		runIn(host, "sh", "-c", "for i in $(seq 150); do echo link add a$i type veth peer name b$i; done | ip -batch -");
		expect(rt.links.list().map((each) => each.name)).toEqual(ipJson(host, "link").map((each) => each.ifname));
	});
});

describe("addresses", () => {
	test("are added, replaced, listed and removed", () => {
		rt.links.addBridge({ name: eth0, up: true });
		const { index } = rt.links.get(eth0);
		const v4 = { link: index, ip: ip("10.1.2.3"), prefix: 24, broadcast: ip("10.1.2.255") };
		const v6 = { link: index, ip: ip("fd00::3"), prefix: 64 };
		rt.addresses.add(v4);
		rt.addresses.add(v6);
		rt.addresses.replace(v6);
		rt.addresses.add({ link: index, ip: ip("10.9.9.9"), prefix: 32, scope: "link" });
		expect(ipJson(host, "addr", "show", "eth0")[0].addr_info).toEqual(
			expect.arrayContaining([
				expect.objectContaining({ local: "10.1.2.3", prefixlen: 24, broadcast: "10.1.2.255", scope: "global" }),
				expect.objectContaining({ local: "10.9.9.9", prefixlen: 32, scope: "link" }),
				expect.objectContaining({ local: "fd00::3", prefixlen: 64, nodad: true }),
			]),
		);
		const listed = rt.addresses
			.list({ link: index, family: 4 })
			.map((each) => `${each.ip}/${each.prefix} ${each.scope}`);
		expect(listed.sort()).toEqual(["10.1.2.3/24 global", "10.9.9.9/32 link"]);
		expect(rt.addresses.list().find((each) => each.ip.equals(v6.ip))).toMatchObject({ tentative: false });
		expect(() => rt.addresses.add(v4)).toThrow(expect.objectContaining({ code: "EEXIST" }));
		rt.addresses.remove(v4);
		expect(() => rt.addresses.remove(v4)).toThrow(expect.objectContaining({ code: "EADDRNOTAVAIL" }));
		expect(rt.addresses.list({ link: index, family: 4 })).toHaveLength(1);
	});
});

describe("routes", () => {
	test("are added, replaced, and removed", () => {
		rt.links.addBridge({ name: eth0, up: true });
		const { index } = rt.links.get(eth0);
		rt.addresses.add({ link: index, ip: ip("10.1.2.3"), prefix: 24 });
		rt.addresses.add({ link: index, ip: ip("fd00::3"), prefix: 64 });
		rt.routes.add({ destination: cidr("0.0.0.0/0"), gateway: ip("10.1.2.1") });
		rt.routes.add({ destination: cidr("::/0"), gateway: ip("fd00::1"), link: index });
		rt.routes.add({ destination: cidr("10.7.0.0/16"), link: index, source: ip("10.1.2.3"), metric: 7 });
		rt.routes.add({ destination: cidr("10.66.0.0/16"), type: "blackhole", table: 1000 });
		expect(ipJson(host, "route")).toEqual(
			expect.arrayContaining([
				expect.objectContaining({ dst: "default", gateway: "10.1.2.1", dev: "eth0" }),
				expect.objectContaining({ dst: "10.7.0.0/16", dev: "eth0", prefsrc: "10.1.2.3", metric: 7, scope: "link" }),
			]),
		);
		expect(ipJson(host, "-6", "route")).toEqual(
			expect.arrayContaining([expect.objectContaining({ dst: "default", gateway: "fd00::1", dev: "eth0" })]),
		);
		expect(ipJson(host, "route", "show", "table", "1000")).toMatchObject([{ type: "blackhole", dst: "10.66.0.0/16" }]);
		rt.routes.replace({ destination: cidr("0.0.0.0/0"), gateway: ip("10.1.2.254") });
		expect(ipJson(host, "route", "show", "default")).toMatchObject([{ gateway: "10.1.2.254" }]);
		expect(() => rt.routes.add({ destination: cidr("0.0.0.0/0"), gateway: ip("10.1.2.9") })).toThrow(
			expect.objectContaining({ code: "EEXIST" }),
		);
		expect(() => rt.routes.add({ destination: cidr("10.8.0.0/16"), gateway: ip("192.168.77.1") })).toThrow(
			expect.objectContaining({ code: "ENETUNREACH", kernelText: expect.stringMatching(/gateway/) }),
		);
		rt.routes.remove({ destination: cidr("0.0.0.0/0") });
		rt.routes.remove({ destination: cidr("::/0") });
		rt.routes.remove({ destination: cidr("10.7.0.0/16") });
		rt.routes.remove({ destination: cidr("10.66.0.0/16"), type: "blackhole", table: 1000 });
		expect(() => rt.routes.remove({ destination: cidr("0.0.0.0/0") })).toThrow(
			expect.objectContaining({ code: "ESRCH" }),
		);
		expect(ipJson(host, "route").map((route) => route.dst)).toEqual(["10.1.2.0/24"]);
	});

	test("all tables of both families are listed, with every next hop", () => {
		rt.links.addBridge({ name: eth0, up: true });
		rt.links.set(lo, { up: true });
		const { index } = rt.links.get(eth0);
		rt.addresses.add({ link: index, ip: ip("10.1.2.3"), prefix: 24 });
		runIn(host, "ip", "route", "add", "172.16.0.0/12", "nexthop", "via", "10.1.2.1", "nexthop", "via", "10.1.2.2");
		runIn(host, "ip", "route", "add", "10.50.0.0/16", "via", "inet6", "fe80::1", "dev", "eth0", "table", "77");
		runIn(host, "ip", "-6", "route", "add", "unreachable", "fd99::/48", "table", "70000");
		const routes = rt.routes.list();
		const of = (text: string) => routes.find((route) => route.destination.toString() === text);
		expect(of("172.16.0.0/12")).toMatchObject({ table: 254, type: "unicast" });
		expect(of("172.16.0.0/12")?.nexthops.map((hop) => [String(hop.gateway), hop.link])).toEqual([
			["10.1.2.1", index],
			["10.1.2.2", index],
		]);
		expect(of("10.50.0.0/16")).toMatchObject({ table: 77 });
		expect(String(of("10.50.0.0/16")?.nexthops[0]?.gateway)).toBe("fe80::1");
		expect(of("fd99::/48")).toMatchObject({ table: 70000, type: "unreachable" });
		expect(of("127.0.0.0/8")).toMatchObject({ table: 255, type: "local", protocol: 2 });
		const other = [
			...ipJson(host, "-4", "route", "show", "table", "all"),
			...ipJson(host, "-6", "route", "show", "table", "all"),
		];
		expect(routes).toHaveLength(other.length);
		expect(rt.routes.list({ family: 4, table: 77 })).toHaveLength(1);
	});
});

test("rules of one source address are added, listed by who made them, and removed", () => {
	for (const source of [ip("10.0.0.2"), ip("fd00::2")]) {
		const rule = { source, table: 1_999_000_007, priority: 32_000, butDefault: false, protocol: 119 };
		const first = { ...rule, table: 254, priority: 31_999, butDefault: true };
		rt.rules.add(rule);
		rt.rules.add(first);
		expect(() => rt.rules.add(rule)).toThrow("EEXIST");
		const family = source.family === 6 ? ["-6"] : [];
		expect(ipJson(host, ...family, "rule", "show")).toEqual(
			expect.arrayContaining([
				expect.objectContaining({ priority: 31_999, src: source.toString(), table: "main", suppress_prefixlen: 0 }),
				expect.objectContaining({ priority: 32_000, src: source.toString(), table: "1999000007" }),
			]),
		);
		expect(rt.rules.list({ protocol: 119 })).toEqual([first, rule]);
		expect(rt.rules.list({ protocol: 118 })).toEqual([]);
		rt.rules.remove(rule);
		rt.rules.remove(first);
		expect(() => rt.rules.remove(rule)).toThrow("ENOENT");
		expect(rt.rules.list({ protocol: 119 })).toEqual([]);
	}
});

test("neighbours and forwarding entries are replaced, listed and removed", () => {
	rt.links.addBridge({ name: eth0, up: true });
	const { index } = rt.links.get(eth0);
	const [one, two] = [parseMac("02:00:00:00:00:01"), parseMac("02:00:00:00:00:02")];
	rt.neighbours.add({ link: index, ip: ip("10.0.0.9"), mac: one });
	expect(() => rt.neighbours.add({ link: index, ip: ip("10.0.0.9"), mac: two })).toThrow(
		expect.objectContaining({ code: "EEXIST" }),
	);
	rt.neighbours.replace({ link: index, ip: ip("10.0.0.9"), mac: two });
	rt.neighbours.replace({ link: index, ip: ip("fd00::9"), mac: one });
	expect(ipJson(host, "neigh")).toEqual(
		expect.arrayContaining([
			expect.objectContaining({ dst: "10.0.0.9", lladdr: two, state: ["PERMANENT"] }),
			expect.objectContaining({ dst: "fd00::9", lladdr: one, state: ["PERMANENT"] }),
		]),
	);
	expect(rt.neighbours.list({ link: index, family: 4 })).toMatchObject([{ link: index, mac: two, permanent: true }]);
	expect(rt.neighbours.find({ link: index, ip: ip("10.0.0.9") })).toMatchObject({ mac: two, permanent: true });
	expect(rt.neighbours.find({ link: index, ip: ip("10.0.0.8") })).toBeUndefined();
	for (const [nud, permanent] of [
		["noarp", true],
		["reachable", false],
	] as const) {
		ipJson(host, "neigh", "replace", "fd00::9", "lladdr", two, "dev", eth0, "nud", nud);
		expect(rt.neighbours.find({ link: index, ip: ip("fd00::9") })).toMatchObject({ mac: two, permanent });
	}
	rt.neighbours.remove({ link: index, ip: ip("10.0.0.9") });
	expect(() => rt.neighbours.remove({ link: index, ip: ip("10.0.0.9") })).toThrow(
		expect.objectContaining({ code: "ENOENT" }),
	);

	const vx0 = parseIfName("vx0");
	rt.links.addVxlan({ name: vx0, vni: 7, port: 4789, local: ip("10.0.0.1"), learning: false, up: true });
	const vxlan = rt.links.get(vx0).index;
	rt.neighbours.replaceForwarding({ link: vxlan, mac: one, remote: ip("10.0.0.2") });
	rt.neighbours.replaceForwarding({ link: vxlan, mac: one, remote: ip("10.0.0.3") });
	rt.neighbours.appendForwarding({ link: vxlan, remote: ip("10.0.0.4") });
	rt.neighbours.appendForwarding({ link: vxlan, remote: ip("10.0.0.5") });
	const entries = JSON.parse(runIn(host, "bridge", "-j", "fdb", "show", "dev", "vx0"));
	expect(entries.map((entry: { mac: string; dst: string }) => `${entry.mac} ${entry.dst}`).sort()).toEqual([
		"00:00:00:00:00:00 10.0.0.4",
		"00:00:00:00:00:00 10.0.0.5",
		"02:00:00:00:00:01 10.0.0.3",
	]);
	rt.neighbours.removeForwarding({ link: vxlan, remote: ip("10.0.0.5") });
	const listed = rt.neighbours.listForwarding(vxlan).map(({ mac, remote }) => `${mac} ${remote}`);
	expect(listed.sort()).toEqual(["02:00:00:00:00:01 10.0.0.3", "undefined 10.0.0.4"]);
});

test("two namespaces on a bridge reach each other and, through the gateway, a third network", () => {
	const [a, b] = [scratch.create("a"), scratch.create("b")];
	rt.links.addBridge({ name: br0, mac: parseMac("02:42:0a:00:00:01"), up: true });
	const bridge = rt.links.get(br0).index;
	rt.addresses.add({ link: bridge, ip: ip("10.0.0.1"), prefix: 24 });
	rt.addresses.add({ link: bridge, ip: ip("fd00::1"), prefix: 64 });
	rt.links.addBridge({ name: parseIfName("far"), up: true });
	rt.addresses.add({ link: rt.links.get(parseIfName("far")).index, ip: ip("192.0.2.77"), prefix: 32 });
	for (const [number, netns] of [
		[2, a],
		[3, b],
	] as const) {
		rt.links.addVeth({ name: parseIfName(`v${number}`), master: bridge, up: true, peer: { name: eth0, netns } });
		using inside = Rtnetlink.open(netns);
		inside.links.set(eth0, { up: true });
		const { index } = inside.links.get(eth0);
		inside.addresses.add({ link: index, ip: ip(`10.0.0.${number}`), prefix: 24 });
		inside.addresses.add({ link: index, ip: ip(`fd00::${number}`), prefix: 64 });
		inside.routes.add({ destination: cidr("0.0.0.0/0"), gateway: ip("10.0.0.1"), link: index });
	}
	for (const target of ["10.0.0.3", "192.0.2.77", "fd00::3"]) {
		expect(runIn(a, "ping", "-c", "1", "-W", "5", target)).toContain("1 received");
	}
});
