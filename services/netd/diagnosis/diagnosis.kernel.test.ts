/** Each condition made on a host played by a namespace, and told; without it nothing is. */
import { createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Ip } from "#lib/address/ip.ts";
import { openTcpListener } from "#lib/linux/socket.ts";
import { writeSysctl } from "#lib/linux/sysctl.ts";
import { missingFeatures } from "../kernel/linux/host-features.ts";
import type { NetworkSpec } from "../networks.ts";
import { call, connectSpec, networkSpec, sandboxSpec, subnetSpec, tcp } from "../test-support/netd.ts";
import { HOST, OUTSIDE, OUTSIDE6, showBridged, type Town, town } from "../test-support/town.ts";
import type { Finding } from "./finding.ts";
import { checkTables } from "./tables.ts";

let t: Town;
beforeEach(async () => {
	t = await town();
	showBridged(t.host, false);
	t.run(t.host, "ip", "route", "add", "default", "via", OUTSIDE);
	t.run(t.outside, "ip", "route", "add", "default", "via", HOST);
});
afterEach(() => t[Symbol.asyncDispose]());

/** A network `front` at 10.77.0.0/24 with the bridge `br-front`. */
async function front(more: Partial<NetworkSpec> = {}): Promise<void> {
	const options = { "com.docker.network.bridge.name": "br-front", ...more.options };
	const spec = networkSpec("front", { subnets: [subnetSpec("10.77.0.0/24")], ...more, options });
	await t.it.netd.networks.create(spec, call());
}

/** A web server on it, published at 8080. Gives the path of its namespace. */
async function web(hostPort = 8080): Promise<string> {
	const sandbox = await t.it.netd.sandboxes.create(sandboxSpec("web"), call());
	await t.it.netd.endpoints.connect(connectSpec("front", sandbox, { ports: [tcp(hostPort, 80)] }), call());
	await t.serve(sandbox.netnsPath, 80);
	return sandbox.netnsPath;
}

const told = (): Finding[] => t.it.netd.diagnosis.run();
const codes = (): string[] => told().map(({ severity, code }) => `${severity} ${code}`);
const nft = (rules: string): void => void t.run(t.host, "nft", rules);

/** Many commands of ip(8) at once. */
function batch(lines: readonly string[]): void {
	t.run(t.host, "sh", "-c", `printf '%s\\n' "$@" | ip -batch -`, "sh", ...lines);
}

/** Runs what the findings say to run, on the host. */
function obey(findings: readonly Finding[]): void {
	for (const line of findings.flatMap(({ commands }) => commands)) t.run(t.host, "sh", "-c", line);
}

test("a host without trouble has no findings, with networks of both families and a published port", async () => {
	await front({ subnets: [subnetSpec("10.77.0.0/24"), subnetSpec("fd00:77::/64")] });
	await web();
	t.run(t.host, "ip", "-6", "route", "add", "default", "via", OUTSIDE6);
	expect(told()).toEqual([]);
});

describe("forwarding", () => {
	test("off altogether", async () => {
		writeSysctl(t.host, "net/ipv4/ip_forward", 0);
		expect(codes()).toEqual(["error FORWARDING_OFF"]);
		obey(told());
		expect(codes()).toEqual([]);
	});

	test("off for IPv6, and off at one bridge", async () => {
		await front({ subnets: [subnetSpec("10.77.0.0/24"), subnetSpec("fd00:77::/64")] });
		writeSysctl(t.host, "net/ipv6/conf/all/forwarding", 0);
		writeSysctl(t.host, "net/ipv4/conf/br-front/forwarding", 0);
		expect(told().map(({ metadata }) => metadata["setting"])).toEqual([
			"net.ipv6.conf.all.forwarding",
			"net/ipv4/conf/br-front/forwarding",
		]);
		obey(told());
		expect(codes()).toEqual([]);
	});
});

test("IPv6 off while a network wants it", async () => {
	await front({ subnets: [subnetSpec("10.77.0.0/24"), subnetSpec("fd00:77::/64")] });
	writeSysctl(t.host, "net/ipv6/conf/all/disable_ipv6", 1);
	expect(codes()).toContain("error IPV6_OFF");
	obey(told().filter(({ code }) => code === "IPV6_OFF"));
	expect(codes()).not.toContain("error IPV6_OFF");
});

test("a network's MTU that is larger than the way out has", async () => {
	await front({ options: { "com.docker.network.driver.mtu": "1400" } });
	t.run(t.host, "ip", "link", "set", "out0", "mtu", "1450");
	expect(told()).toMatchObject([
		{ code: "MTU_TOO_LARGE", metadata: { network: "bridge", mtu: "1500", interface: "out0", interface_mtu: "1450" } },
	]);
	t.run(t.host, "ip", "link", "set", "out0", "mtu", "1500");
	expect(codes()).toEqual([]);
});

test("a route that takes a network's addresses elsewhere, as a VPN's that comes up later", async () => {
	await front();
	t.run(t.host, "ip", "link", "add", "tun7", "type", "veth", "peer", "name", "tun8");
	t.run(t.host, "ip", "link", "set", "tun7", "up");
	t.run(t.host, "ip", "link", "set", "tun8", "up");
	expect(codes()).toEqual([]);
	t.run(t.host, "ip", "route", "add", "10.77.0.0/25", "dev", "tun7");
	t.run(t.host, "ip", "route", "add", "10.77.0.0/16", "dev", "tun7");
	expect(codes()).toEqual(["error ROUTE_CONFLICT", "warning ROUTE_SHADOWED"]);
	expect(t.run(t.host, "ip", "route", "get", "10.77.0.9")).toContain("dev tun7");
	obey(told().filter(({ code }) => code === "ROUTE_CONFLICT"));
	expect(t.run(t.host, "ip", "route", "get", "10.77.0.9")).toContain("dev br-front");
	expect(codes()).toEqual(["warning ROUTE_SHADOWED"]);
});

describe("rules of others that drop what is forwarded", () => {
	const ufw = [
		["-N", "ufw-before-forward"],
		["-N", "ufw-user-forward"],
		["-A", "FORWARD", "-j", "ufw-before-forward"],
		["-A", "ufw-before-forward", "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "ACCEPT"],
		["-A", "ufw-before-forward", "-j", "ufw-user-forward"],
		["-P", "FORWARD", "DROP"],
	];
	const docker = [
		["-N", "DOCKER-USER"],
		["-A", "FORWARD", "-j", "DOCKER-USER"],
		["-A", "FORWARD", "-o", "docker0", "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "ACCEPT"],
		["-A", "FORWARD", "-i", "docker0", "!", "-o", "docker0", "-j", "ACCEPT"],
		["-P", "FORWARD", "DROP"],
	];
	const firewalld = `table inet firewalld {
		chain filter_FORWARD {
			type filter hook forward priority 10; policy accept;
			ct state { established, related } accept
			ct status dnat accept
			jump filter_FORWARD_POLICIES
			reject with icmpx admin-prohibited
		}
		chain filter_FORWARD_POLICIES { iifname "eth9" jump filter_FWD_trusted; }
		chain filter_FWD_trusted { accept; }
	}`;
	const iptables = (...rules: readonly string[][]): void => {
		for (const rule of rules) t.run(t.host, "iptables", ...rule);
	};

	test("Docker's: told with the commands for DOCKER-USER, which let ours through", async () => {
		await front();
		const inside = await web();
		await t.serve(t.outside, 90);
		expect(await t.ask(t.outside, HOST, 8080)).toBe(OUTSIDE);
		iptables(...docker);
		expect(await t.ask(t.outside, HOST, 8080)).toBe("");
		expect(await t.ask(inside, OUTSIDE, 90)).toBe("");
		const found = told();
		expect(found.map(({ code, metadata }) => `${code} ${metadata["owner"]} ${metadata["interface"]}`)).toEqual([
			"FOREIGN_DROP Docker wharf0",
			"FOREIGN_DROP Docker br-front",
		]);
		expect(found[1]?.commands[0]).toBe("iptables -I DOCKER-USER -i br-front -j ACCEPT");
		obey(found);
		expect(told()).toEqual([]);
		expect(await t.ask(t.outside, HOST, 8080)).toBe(OUTSIDE);
		expect(await t.ask(inside, OUTSIDE, 90)).toBe(HOST);
	});

	test("iptables' own FORWARD with policy DROP, and without", async () => {
		await front();
		const inside = await web();
		await t.serve(t.outside, 90);
		iptables(["-P", "FORWARD", "DROP"]);
		expect(await t.ask(inside, OUTSIDE, 90)).toBe("");
		expect(told()).toMatchObject([{ metadata: { owner: "iptables" } }, { metadata: { network: "front" } }]);
		obey(told());
		expect(codes()).toEqual([]);
		expect(await t.ask(inside, OUTSIDE, 90)).toBe(HOST);
		iptables(["-F", "FORWARD"], ["-P", "FORWARD", "ACCEPT"]);
		expect(codes()).toEqual([]);
	});

	test("ufw's: told as ufw's; what its own command writes is understood", async () => {
		iptables(...ufw);
		expect(told()).toMatchObject([
			{ metadata: { owner: "ufw" }, commands: ["ufw route allow in on wharf0", "ufw route allow out on wharf0"] },
		]);
		// ufw itself is not needed for what it writes (ufw-framework(8)).
		iptables(["-A", "ufw-user-forward", "-i", "wharf0", "-j", "ACCEPT"]);
		expect(codes()).toEqual(["error FOREIGN_DROP"]);
		iptables(["-A", "ufw-user-forward", "-o", "wharf0", "-j", "ACCEPT"]);
		expect(codes()).toEqual([]);
	});

	test("firewalld's, which rejects by a rule: told as firewalld's; the bridge in its zone trusted is understood", () => {
		nft(firewalld);
		expect(told()).toMatchObject([{ metadata: { owner: "firewalld", network: "bridge" } }]);
		nft(`insert rule inet firewalld filter_FORWARD_POLICIES iifname "wharf0" jump filter_FWD_trusted`);
		expect(codes()).toEqual([]);
	});

	test("somebody's own table; only a network of its family is concerned", () => {
		nft("table ip6 mine { chain onward { type filter hook forward priority 5; policy drop; }; }");
		expect(codes()).toEqual([]);
		nft("table inet mine { chain onward { type filter hook forward priority 5; policy drop; }; }");
		expect(codes()).toEqual(["error FOREIGN_DROP"]);
		obey(told());
		expect(codes()).toEqual([]);
	});

	test("those of iptables-legacy, which cannot be read, are named", () => {
		t.run(t.host, "iptables-legacy", "-P", "FORWARD", "DROP");
		expect(told()).toMatchObject([
			{ severity: "info", code: "RULES_UNREADABLE", metadata: { program: "iptables-legacy" } },
		]);
	});

	test("what passes between containers of a network meets them only where br_netfilter shows it", async () => {
		await front({ internal: true });
		const [one, two] = [sandboxSpec("one"), sandboxSpec("two")];
		const first = await t.it.netd.sandboxes.create(one, call());
		const second = await t.it.netd.sandboxes.create(two, call());
		const { view } = await t.it.netd.endpoints.connect(connectSpec("front", first), call());
		await t.it.netd.endpoints.connect(connectSpec("front", second), call());
		const address = view.endpoint.addresses[0]?.ip.toString() ?? "";
		await t.serve(first.netnsPath, 80);
		iptables(["-P", "FORWARD", "DROP"]);
		expect(told().map(({ metadata }) => metadata["network"])).toEqual(["bridge"]);
		expect(await t.ask(second.netnsPath, address, 80)).not.toBe("");
		showBridged(t.host, true);
		expect(codes()).toEqual(["error FOREIGN_DROP", "error FOREIGN_DROP", "warning BRIDGED_FRAMES_FILTERED"]);
		expect(await t.ask(second.netnsPath, address, 80)).toBe("");
		obey(told().filter(({ code }) => code === "BRIDGED_FRAMES_FILTERED"));
		expect(await t.ask(second.netnsPath, address, 80)).not.toBe("");
		showBridged(t.host, true);
		obey(told().filter(({ code }) => code === "FOREIGN_DROP"));
		expect(codes()).toEqual([]);
		expect(await t.ask(second.netnsPath, address, 80)).not.toBe("");
	});
});

test("a bridge that is nearly full", async () => {
	const ports = (from: number, to: number): void =>
		batch(
			Array.from({ length: to - from }, (_, index) => [
				`link add p${from + index} type veth peer name q${from + index}`,
				`link set p${from + index} master wharf0`,
				`link set q${from + index} master wharf0`,
			]).flat(),
		);
	ports(0, 449);
	expect(codes()).toEqual([]);
	ports(449, 450);
	expect(told()).toMatchObject([{ code: "BRIDGE_NEARLY_FULL", metadata: { network: "bridge", ports: "900" } }]);
});

/** Their limits are the machine's and not a namespace's: what fills them is made here, and the limit is said by the test. */
test("connections and neighbours are counted", async () => {
	const { facts } = t.it.kernel;
	const before = facts.observe();
	const nothing = { networks: [], ports: [], defaultNetwork: { differences: [], users: [] } };
	expect(checkTables({ ...nothing, host: before })).toEqual([]);
	for (let port = 1; port <= 20; port += 1) {
		const flow = ["-s", "10.9.0.1", "-d", "10.9.0.2", "-p", "tcp", "--sport", String(port), "--dport", "80"];
		t.run(t.host, "conntrack", "-I", ...flow, "--state", "ESTABLISHED", "--timeout", "600");
	}
	const neighbours = Array.from(
		{ length: 40 },
		(_, index) => `neigh add 192.0.2.${100 + index} lladdr 02:00:00:00:00:01 nud reachable dev out0`,
	);
	batch(neighbours);
	const after = facts.observe();
	expect(after.conntrack?.entries).toBeGreaterThanOrEqual(20);
	expect(after.conntrack?.limit).toBeGreaterThan(0);
	const count = (host: typeof after): number => host.neighbours.find(({ family }) => family === 4)?.entries ?? 0;
	expect(count(after)).toBeGreaterThanOrEqual(40);
	expect(after.neighbours.every(({ limit }) => limit > 0)).toBe(true);
	const full = {
		...after,
		conntrack: { entries: after.conntrack?.entries ?? 0, limit: 20 },
		neighbours: [{ family: 4, entries: count(after), limit: 40 }] as const,
	};
	const found = checkTables({ ...nothing, host: full });
	expect(found.map(({ severity, code }) => `${severity} ${code}`)).toEqual([
		"error CONNTRACK_FULL",
		"error NEIGHBOURS_FULL",
	]);
});

describe("published ports", () => {
	test("one that another program has taken while netd was away", async () => {
		await front();
		await web();
		expect(codes()).toEqual([]);
		await t.it.netd[Symbol.asyncDispose]();
		const thief = createServer();
		await new Promise<void>((resolve) =>
			thief.listen({ fd: openTcpListener(t.host, Ip.parse("0.0.0.0"), 8080) }, resolve),
		);
		await t.it.restart();
		expect(told()).toMatchObject([
			{
				code: "PORT_TAKEN",
				metadata: { port: "8080/tcp", container: "web", holder: expect.stringContaining(`(process ${process.pid})`) },
			},
		]);
		await new Promise((resolve) => thief.close(resolve));
		expect(codes()).toEqual([]);
	});

	test("one among the ports that connections are given, until it is kept out", async () => {
		await front();
		await web(40_000);
		expect(codes()).toEqual(["info PORTS_IN_EPHEMERAL_RANGE"]);
		obey(told());
		expect(codes()).toEqual([]);
	});
});

test("what the kernel has not is missing, and what netd needs it has", () => {
	expect(missingFeatures(t.host)).toEqual([]);
	const rule = "add rule inet wharf-probe nat jump nowhere";
	expect(missingFeatures(t.host, { "no-such-kind": "links of no kind" }, [["leaps", "nft_leap", rule]])).toMatchObject([
		{ feature: "links of no kind", module: "no-such-kind", words: "Unknown device type" },
		{ feature: "leaps", module: "nft_leap", words: expect.stringContaining("No such file or directory") },
	]);
	expect(t.run(t.host, "nft", "list", "tables")).not.toContain("probe");
	expect(t.run(t.host, "ip", "link", "show")).not.toContain("no-such");
});
