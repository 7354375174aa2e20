import { describe, expect, test } from "vitest";
import { Cidr } from "#lib/address/cidr.ts";
import { parseIfName } from "#lib/address/if-name.ts";
import { Ip } from "#lib/address/ip.ts";
import type { Dropper, HostLink, HostRoute, ObservedHost } from "../kernel/host-facts.ts";
import { checkBridgePorts } from "./bridge-ports.ts";
import { checkBridgedFrames } from "./bridged-frames.ts";
import { checkFeatures } from "./features.ts";
import { commandLine } from "./finding.ts";
import { checkForeignChains, checkUnreadable } from "./foreign-chains.ts";
import { checkForwarding } from "./forwarding.ts";
import { checkIpv6 } from "./ipv6.ts";
import { checkMtu } from "./mtu.ts";
import { checkPorts } from "./ports.ts";
import { checkRoutes } from "./routes.ts";
import type { BridgedNetwork, PublishedPort, Situation } from "./situation.ts";
import { checkTables } from "./tables.ts";

const eth0 = parseIfName("eth0");
const br0 = parseIfName("br0");

const link = (name: string, more: Partial<HostLink> = {}): HostLink => ({
	name: parseIfName(name),
	mtu: 1500,
	master: undefined,
	forwards: true,
	ipv6: true,
	...more,
});
const route = (destination: string, name: string, more: Partial<HostRoute> = {}): HostRoute => ({
	destination: Cidr.parse(destination),
	links: [parseIfName(name)],
	metric: 0,
	table: 254,
	...more,
});
const dropper = (more: Partial<Dropper> = {}): Dropper => ({
	family: "ip",
	table: "filter",
	chain: "FORWARD",
	chains: ["FORWARD"],
	reached: ["FORWARD"],
	accepts: [],
	...more,
});

const front: BridgedNetwork = {
	name: "front",
	bridge: br0,
	internal: false,
	predefined: false,
	subnets: [Cidr.parse("10.1.0.0/24"), Cidr.parse("fd00:1::/64")],
};
const healthy: ObservedHost = {
	forwards: { 4: true, 6: true },
	showsBridged: { 4: false, 6: false },
	links: [link("eth0"), link("br0")],
	routes: [route("0.0.0.0/0", "eth0"), route("10.1.0.0/24", "br0"), route("fd00:1::/64", "br0")],
	droppers: [],
	unreadable: [],
	conntrack: { entries: 10, limit: 1000 },
	neighbours: [{ family: 4, entries: 10, limit: 1024 }],
	ephemeral: { first: 32_768, last: 60_999, kept: [] },
	missing: [],
};
const web: PublishedPort = {
	protocol: "tcp",
	hostAddress: undefined,
	hostPort: 8080,
	container: "web",
	takenBy: undefined,
};

function situation(host: Partial<ObservedHost> = {}, more: Partial<Situation> = {}): Situation {
	const defaultNetwork = { differences: [], users: [] };
	return { host: { ...healthy, ...host }, networks: [front], ports: [web], defaultNetwork, ...more };
}

const ALL = {
	checkBridgePorts,
	checkBridgedFrames,
	checkFeatures,
	checkForeignChains,
	checkForwarding,
	checkIpv6,
	checkMtu,
	checkPorts,
	checkRoutes,
	checkTables,
	checkUnreadable,
};

test.each(Object.entries(ALL))("%s has nothing to say of a healthy host", (_, check) => {
	expect(check(situation())).toEqual([]);
});

describe("forwarding", () => {
	test("off, by family", () => {
		const found = checkForwarding(situation({ forwards: { 4: false, 6: false } }));
		expect(found).toMatchObject([
			{ severity: "error", code: "FORWARDING_OFF", commands: ["sysctl -w net.ipv4.ip_forward=1"] },
			{ severity: "error", commands: ["sysctl -w net.ipv6.conf.all.forwarding=1"] },
		]);
	});

	test("does not matter without a network that has a way out", () => {
		const networks = [{ ...front, internal: true }];
		expect(checkForwarding(situation({ forwards: { 4: false, 6: false } }, { networks }))).toEqual([]);
	});

	test("off at the bridge or at the way out alone", () => {
		const links = [
			link("eth0", { forwards: false }),
			link("br0", { forwards: false }),
			link("eth1", { forwards: false }),
		];
		expect(checkForwarding(situation({ links })).map(({ commands }) => commands)).toEqual([
			["sysctl -w net/ipv4/conf/br0/forwarding=1"],
			["sysctl -w net/ipv4/conf/eth0/forwarding=1"],
		]);
	});
});

test("IPv6 that a network wants and the host does not have", () => {
	const links = [link("eth0"), link("br0", { ipv6: false })];
	expect(checkIpv6(situation({ links }))).toMatchObject([
		{ code: "IPV6_OFF", commands: [expect.stringContaining("all.disable_ipv6=0"), expect.stringContaining("br0")] },
	]);
	const [without] = checkIpv6(situation({ links, forwards: { 4: true, 6: undefined } }));
	expect(without).toMatchObject({ advice: expect.stringContaining("ipv6.disable=1"), commands: [] });
	const networks = [{ ...front, subnets: [Cidr.parse("10.1.0.0/24")] }];
	expect(checkIpv6(situation({ links }, { networks }))).toEqual([]);
});

test("a feature that the kernel lacks", () => {
	const missing = [{ feature: "masquerading", module: "nft_masq", words: "No such file or directory" }];
	expect(checkFeatures(situation({ missing }))).toMatchObject([
		{ severity: "error", code: "KERNEL_FEATURE_MISSING", commands: ["modprobe nft_masq"] },
	]);
});

describe("MTU", () => {
	test("larger than the way out has: the preferred default route's", () => {
		const routes = [route("0.0.0.0/0", "tun0", { metric: 10 }), route("0.0.0.0/0", "eth0", { metric: 100 })];
		const links = [link("eth0"), link("br0"), link("tun0", { mtu: 1420 })];
		expect(checkMtu(situation({ routes, links }))).toMatchObject([
			{
				severity: "warning",
				code: "MTU_TOO_LARGE",
				commands: ["wharf network create -o com.docker.network.driver.mtu=1420 front-1420"],
				metadata: { interface: "tun0", mtu: "1500", interface_mtu: "1420" },
			},
		]);
	});

	test("smaller, or with no way out, is no trouble", () => {
		expect(checkMtu(situation({ links: [link("eth0"), link("br0", { mtu: 1400 })] }))).toEqual([]);
		const links = [link("eth0", { mtu: 1400 }), link("br0")];
		expect(checkMtu(situation({ links, routes: [] }))).toEqual([]);
		expect(checkMtu(situation({ links }, { networks: [{ ...front, internal: true }] }))).toEqual([]);
	});
});

describe("routes", () => {
	const beside = (destination: string, more: Partial<HostRoute> = {}): Situation =>
		situation({ routes: [...healthy.routes, route(destination, "tun0", more)] });

	test.each(["10.1.0.0/24", "10.1.0.128/25", "10.1.0.7/32"])(
		"%s elsewhere takes the network's packets",
		(destination) => {
			expect(checkRoutes(beside(destination))).toMatchObject([
				{ severity: "error", code: "ROUTE_CONFLICT", commands: [`ip route del ${destination} dev tun0`] },
			]);
		},
	);

	test("in a table of its own as well", () => {
		const [found] = checkRoutes(beside("10.1.0.0/24", { table: 52 }));
		expect(found?.commands).toEqual(["ip route del 10.1.0.0/24 dev tun0 table 52"]);
	});

	test("a shorter one, as a VPN's to 10/8, is shadowed by the network; ways to everywhere are not", () => {
		for (const destination of ["10.1.0.0/16", "10.0.0.0/8"]) {
			expect(checkRoutes(beside(destination))).toMatchObject([
				{ severity: "warning", code: "ROUTE_SHADOWED", commands: ["wharf network rm front"] },
			]);
		}
		for (const other of ["0.0.0.0/1", "10.2.0.0/24"]) expect(checkRoutes(beside(other))).toEqual([]);
		expect(checkRoutes(beside("10.0.0.0/8", { links: [] }))).toEqual([]);
		const networks = [{ ...front, predefined: true }];
		const [found] = checkRoutes({ ...beside("10.0.0.0/8"), networks });
		expect(found?.commands).toEqual([]);
	});
});

describe("foreign chains", () => {
	const found = (one: Partial<Dropper>, more: Partial<ObservedHost> = {}) =>
		checkForeignChains(situation({ droppers: [dropper(one)], ...more }));

	test.each([
		[{}, "iptables", ["iptables -I FORWARD -i br0 -j ACCEPT", "iptables -I FORWARD -o br0 -j ACCEPT"]],
		[{ family: "ip6" }, "iptables", ["ip6tables -I FORWARD -i br0 -j ACCEPT", "ip6tables -I FORWARD -o br0 -j ACCEPT"]],
		[
			{ chains: ["FORWARD", "DOCKER-USER"] },
			"Docker",
			["iptables -I DOCKER-USER -i br0 -j ACCEPT", "iptables -I DOCKER-USER -o br0 -j ACCEPT"],
		],
		[{ chains: ["FORWARD", "ufw-user-forward"] }, "ufw", ["ufw route allow in on br0", "ufw route allow out on br0"]],
		[
			{ family: "inet", table: "firewalld", chain: "filter_FORWARD" },
			"firewalld",
			["firewall-cmd --permanent --zone=trusted --add-interface=br0", "firewall-cmd --reload"],
		],
		[
			{ family: "inet", table: "mine", chain: "fwd" },
			"",
			[`nft 'insert rule inet mine fwd iifname "br0" accept'`, `nft 'insert rule inet mine fwd oifname "br0" accept'`],
		],
	] as const)("%j is %s's, and is told in its place", (one, owner, commands) => {
		expect(found(one)).toMatchObject([{ severity: "error", code: "FOREIGN_DROP", commands, metadata: { owner } }]);
	});

	test("one that lets the bridge through both ways is no trouble; one way is not enough", () => {
		const out = { in: "br0", out: undefined, translated: false, ours: false };
		const back = { in: undefined, out: "br*", translated: false, ours: false };
		expect(found({ accepts: [out, back] })).toEqual([]);
		expect(found({ accepts: [out] })).toHaveLength(1);
		expect(found({ accepts: [back] })).toHaveLength(1);
		expect(found({ accepts: [{ ...out, in: "br1" }, back] })).toHaveLength(1);
		expect(found({ accepts: [out, { in: undefined, out: undefined, translated: true, ours: false }] })).toEqual([]);
		expect(found({ accepts: [{ in: "br0", out: "eth0", translated: false, ours: false }, back] })).toHaveLength(1);
		expect(found({ accepts: [{ in: undefined, out: undefined, translated: false, ours: true }] })).toEqual([]);
	});

	test("of a family that no network has, or with nothing forwarded, is no trouble", () => {
		const four = [{ ...front, subnets: [Cidr.parse("10.1.0.0/24")] }];
		expect(checkForeignChains(situation({ droppers: [dropper({ family: "ip6" })] }, { networks: four }))).toEqual([]);
		const internal = [{ ...front, internal: true }];
		const droppers = [dropper()];
		expect(checkForeignChains(situation({ droppers }, { networks: internal }))).toEqual([]);
		const showsBridged = { 4: true, 6: false };
		expect(checkForeignChains(situation({ droppers, showsBridged }, { networks: internal }))).toHaveLength(1);
	});

	test("that cannot be read are named", () => {
		expect(checkUnreadable(situation({ unreadable: ["ip6tables-legacy"] }))).toMatchObject([
			{ severity: "info", code: "RULES_UNREADABLE", commands: ["ip6tables-legacy -S FORWARD"] },
		]);
	});

	test("are met by frames between containers where br_netfilter shows them", () => {
		const droppers = [dropper()];
		expect(checkBridgedFrames(situation({ droppers, showsBridged: { 4: true, 6: true } }))).toMatchObject([
			{ severity: "warning", commands: ["sysctl -w net.bridge.bridge-nf-call-iptables=0"] },
		]);
		expect(checkBridgedFrames(situation({ droppers }))).toEqual([]);
		const told = [dropper({ accepts: [{ in: undefined, out: undefined, translated: false, ours: false }] })];
		expect(checkBridgedFrames(situation({ droppers: told, showsBridged: { 4: true, 6: true } }))).toEqual([]);
		expect(checkBridgedFrames(situation({ showsBridged: { 4: true, 6: true } }))).toEqual([]);
	});
});

test.each([
	[899, []],
	[900, ["warning BRIDGE_NEARLY_FULL"]],
	[1022, ["warning BRIDGE_NEARLY_FULL"]],
	[1023, ["error BRIDGE_FULL"]],
])("a bridge with %i ports", (count, told) => {
	const legs = Array.from({ length: count }, (_, index) => link(`v${index}`, { master: br0 }));
	const others = [link("w0", { master: eth0 })];
	const found = checkBridgePorts(situation({ links: [...healthy.links, ...legs, ...others] }));
	expect(found.map(({ severity, code }) => `${severity} ${code}`)).toEqual(told);
});

describe("tables", () => {
	const filled = (entries: number): Situation => {
		const fill = { entries, limit: 1000 };
		return situation({ conntrack: fill, neighbours: [{ family: 6, ...fill }] });
	};

	test.each([
		[899, []],
		[900, ["warning CONNTRACK_FULL", "warning NEIGHBOURS_FULL"]],
		[1000, ["error CONNTRACK_FULL", "error NEIGHBOURS_FULL"]],
	])("with %i entries of 1000", (entries, told) => {
		expect(checkTables(filled(entries)).map(({ severity, code }) => `${severity} ${code}`)).toEqual(told);
	});

	test("are made larger by the commands", () => {
		expect(checkTables(filled(1000)).map(({ commands }) => commands)).toEqual([
			["sysctl -w net.netfilter.nf_conntrack_max=2000"],
			[
				"sysctl -w net.ipv6.neigh.default.gc_thresh3=4000 net.ipv6.neigh.default.gc_thresh2=2000 net.ipv6.neigh.default.gc_thresh1=1000",
			],
		]);
	});

	test("a kernel that tracks nothing is not full", () => {
		expect(checkTables(situation({ conntrack: undefined }))).toEqual([]);
	});
});

describe("ports", () => {
	test("one that another program has", () => {
		const at = { ...web, hostAddress: Ip.parse("192.0.2.1"), takenBy: "nginx (process 812)" };
		expect(checkPorts(situation({}, { ports: [at] }))).toMatchObject([
			{
				severity: "error",
				code: "PORT_TAKEN",
				sentence: expect.stringContaining(
					"192.0.2.1:8080/tcp is published for web, and nginx (process 812) has taken it",
				),
				commands: ["ss -Hnp -lt 'sport = :8080'"],
			},
		]);
	});

	test("those among the ports that connections are given, unless they are kept out", () => {
		const ports = [40_001, 40_000, 40_000, 8080].map((hostPort) => ({ ...web, hostPort }));
		const kept = [
			{ first: 5000, last: 5010 },
			{ first: 9, last: 9 },
		];
		const range = { first: 32_768, last: 60_999 };
		expect(checkPorts(situation({ ephemeral: { ...range, kept } }, { ports }))).toMatchObject([
			{ severity: "info", commands: ["sysctl -w net.ipv4.ip_local_reserved_ports=5000-5010,9,40000,40001"] },
		]);
		const all = [{ first: 40_000, last: 40_001 }];
		expect(checkPorts(situation({ ephemeral: { ...range, kept: all } }, { ports }))).toEqual([]);
	});
});

test("what a shell would read is quoted", () => {
	expect(commandLine("iptables", "-i", "a;b'$(c)")).toBe(String.raw`iptables -i 'a;b'\''$(c)'`);
});
