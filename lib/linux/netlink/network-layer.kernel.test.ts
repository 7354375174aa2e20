import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseIfName } from "#lib/address/if-name.ts";
import { ipJson, runIn, ScratchNetns } from "../test-support/scratch-netns.ts";
import { Rtnetlink } from "./rtnetlink.ts";

const br0 = parseIfName("br0");
const eth0 = parseIfName("eth0");

let scratch: ScratchNetns;
let host: string;
let rt: Rtnetlink;
const ip = (...args: string[]): string => runIn(host, "ip", ...args);
const index = (name: typeof eth0): number => rt.links.get(name).index;
const joining = () => ({ from: index(eth0), to: index(br0), port: index(eth0), master: index(br0), before: 0 });
const leaving = () => ({ from: index(br0), to: index(eth0), port: index(eth0), master: 0, before: index(br0) });

beforeEach(() => {
	scratch = new ScratchNetns();
	host = scratch.create("host");
	rt = Rtnetlink.open(host);
	for (const name of ["eth0", "eth1"]) {
		ip("link", "add", name, "type", "veth", "peer", "name", `${name}-far`);
		ip("link", "set", name, "up");
		ip("link", "set", `${name}-far`, "up");
	}
	ip("link", "add", "br0", "type", "bridge");
	ip("link", "set", "br0", "up");
});
afterEach(() => {
	rt[Symbol.dispose]();
	scratch[Symbol.dispose]();
});

/** What ip(8) says of one link, with its name taken out. */
function layerOf(name: string) {
	const routes = ["-4", "-6"].flatMap((family) =>
		ip(family, "-o", "route", "show", "table", "all", "type", "unicast")
			.split("\n")
			.filter((line) => line.includes(`dev ${name} `) && !line.startsWith("fe80::/64"))
			.map((line) =>
				line
					.replaceAll(name, "LINK")
					.replace(/ linkdown| expires \d+sec/g, "")
					.trim(),
			),
	);
	const [{ addr_info: infos = [] } = {}] = ipJson(host, "address", "show", "dev", name, "scope", "global") as {
		addr_info?: { local: string; prefixlen: number; noprefixroute?: boolean; broadcast?: string }[];
	}[];
	const addresses = infos.map((one) => [one.local, one.prefixlen, one.broadcast, one.noprefixroute].join(" "));
	return { routes: routes.sort(), addresses: addresses.sort() };
}

const masterOf = (name: string): string | undefined =>
	(ipJson(host, "link", "show", name) as { master?: string }[])[0]?.master;

const KINDS: Record<string, readonly string[]> = {
	"a default route of each family": [
		"address add 192.0.2.5/24 broadcast 192.0.2.255 dev eth0",
		"address add 2001:db8::5/64 dev eth0 nodad",
		"route add default via 192.0.2.1 dev eth0 proto dhcp metric 100",
		"-6 route add default via fe80::1 dev eth0 proto ra metric 1024 expires 900",
	],
	"routes that a program keeps instead of the kernel": [
		"address add 192.0.2.5/24 dev eth0 noprefixroute",
		"route add 192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.5 metric 100",
		"route add default via 192.0.2.1 dev eth0 metric 100",
	],
	"several addresses of one subnet, and a gateway beyond it": [
		"address add 192.0.2.5/24 dev eth0",
		"address add 192.0.2.6/24 dev eth0",
		"address add 198.51.100.9/32 dev eth0",
		"route add 203.0.113.1 dev eth0 scope link",
		"route add default via 203.0.113.1 dev eth0 onlink mtu lock 1400",
		"route add blackhole 10.0.0.0/8",
		"route add 10.9.0.0/16 via 192.0.2.9 dev eth0 table 99",
	],
	"nothing at all": [],
};

describe.each(Object.entries(KINDS))("%s", (_, commands) => {
	test("passes to the bridge whose port the link becomes, and back", () => {
		for (const command of commands) ip(...command.split(" "));
		const before = layerOf("eth0");
		rt.layer.pass(joining());
		expect(masterOf("eth0")).toBe("br0");
		expect(layerOf("br0")).toEqual(before);
		expect(layerOf("eth0")).toEqual({ routes: [], addresses: [] });
		rt.layer.pass(leaving());
		expect(masterOf("eth0")).toBeUndefined();
		expect(layerOf("eth0")).toEqual(before);
		expect(layerOf("br0")).toEqual({ routes: [], addresses: [] });
	});

	test("stays when the kernel refuses the port", () => {
		for (const command of commands) ip(...command.split(" "));
		ip("link", "add", "link", "eth0", "name", "mac0", "type", "macvlan");
		const before = layerOf("eth0");
		expect(() => rt.layer.pass(joining())).toThrow("EBUSY");
		expect(masterOf("eth0")).toBeUndefined();
		expect(layerOf("eth0")).toEqual(before);
		expect(layerOf("br0")).toEqual({ routes: [], addresses: [] });
	});
});

test("of a route by several links the one leg passes, and others' routes are not touched", () => {
	ip("address", "add", "192.0.2.5/24", "dev", "eth0");
	ip("address", "add", "198.51.100.5/24", "dev", "eth1");
	const legs = [
		"nexthop",
		"via",
		"192.0.2.1",
		"dev",
		"eth0",
		"nexthop",
		"via",
		"198.51.100.1",
		"dev",
		"eth1",
		"weight",
		"2",
	];
	ip("route", "add", "203.0.113.0/24", ...legs);
	ip("route", "add", "default", "via", "198.51.100.1");
	const of = (name: string) =>
		ip("route", "show").replaceAll(` ${name} `, " LINK ").replaceAll(" linkdown", "").split("\n").sort();
	const before = of("eth0");
	rt.layer.pass(joining());
	expect(of("br0")).toEqual(before);
	rt.layer.pass(leaving());
	expect(of("eth0")).toEqual(before);
});
