/** What a container's resolver and files are told: servers, search, options, extra hosts, links, host and domain names. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Child } from "#lib/exec/run.ts";
import { fingerprint } from "../support/audit/fingerprint.ts";
import { eventually } from "../support/eventually.ts";
import { Host, OUTSIDE_ADDRESS } from "../support/host.ts";
import { kill } from "../support/services.ts";
import { takeDown } from "../support/take-down.ts";
import { BARE_DNSMASQ } from "../support/upstream.ts";
import { webServer } from "../support/web.ts";

/** Two more servers on the outside network; each one answers who.test with an address of its own. */
const SERVERS = { host: OUTSIDE_ADDRESS, second: "198.51.100.3", third: "198.51.100.4" } as const;
const WHO = { host: "203.0.113.2", second: "203.0.113.3", third: "203.0.113.4" } as const;

let host: Host;
const upstreams: Child[] = [];

beforeAll(async () => {
	host = await Host.boot();
	for (const [name, address] of Object.entries(SERVERS) as [keyof typeof SERVERS, string][]) {
		if (name !== "host") await host.ok("ip", ["-n", "outside", "address", "add", `${address}/24`, "dev", "eth0"]);
		const listening = ["--bind-interfaces", `--listen-address=${address}`, `--address=/who.test/${WHO[name]}`];
		upstreams.push(host.start("dnsmasq", [...BARE_DNSMASQ, ...listening], { netns: "outside" }));
	}
	await host.wharfOk("up");
	await host.wharfOk("network", "create", "front");
	await host.wharfOk("network", "create", "back");
});

afterAll(async () => {
	for (const upstream of upstreams) upstream.kill();
	await Promise.all(upstreams.map(({ done }) => done));
	await takeDown(host);
});

const start = (name: string, ...flags: string[]) =>
	host.wharfOk("run", "-d", "--name", name, ...flags, "host", "sleep", "1000");
const inside = (name: string, ...command: string[]) => host.wharfOk("exec", name, ...command);
const file = (name: string, path: string) => inside(name, "cat", path);
const remove = (...names: string[]) => host.wharfOk("rm", "-f", ...names);
const dig = async (name: string, ...query: string[]) =>
	(await inside(name, "dig", "+short", "+tries=5", ...query)).split("\n").filter(Boolean).toSorted();
async function inspect(name: string) {
	const [found] = JSON.parse(await host.wharfOk("inspect", name));
	return found;
}
async function addressOn(name: string, network: string): Promise<string> {
	return (await inspect(name)).NetworkSettings.Networks[network].IPAddress;
}

describe("the files", () => {
	test("on a network that resolves names", async () => {
		await start("web", "--network", "front", "-h", "web1", "--domainname", "example.org", "--add-host", "db:192.0.2.9");
		const address = await addressOn("web", "front");
		expect(await file("web", "/etc/resolv.conf")).toBe("nameserver 127.0.0.11\noptions ndots:0");
		const lines = (await file("web", "/etc/hosts")).split("\n");
		expect(lines[0]).toBe("127.0.0.1\tlocalhost");
		expect(lines.slice(-2)).toEqual(["192.0.2.9\tdb", `${address}\tweb1.example.org web1`]);
		expect(await file("web", "/etc/hostname")).toBe("web1");
		expect(await inside("web", "hostname")).toBe("web1");
		expect(await inside("web", "hostname", "-f")).toBe("web1.example.org");
		expect(await file("web", "/proc/sys/kernel/domainname")).toBe("example.org");
		expect(await inside("web", "getent", "hosts", "db")).toContain("192.0.2.9");
		await remove("web");
	});

	test("on the default bridge: the host's servers, or those that are asked for", async () => {
		await start("plain");
		expect(await file("plain", "/etc/resolv.conf")).toBe(`nameserver ${SERVERS.host}`);
		const own = ["--dns", SERVERS.second, "--dns-search", "a.test", "--dns-search", "b.test", "--dns-opt", "timeout:1"];
		await start("own", ...own);
		expect(await file("own", "/etc/resolv.conf")).toBe(
			`nameserver ${SERVERS.second}\nsearch a.test b.test\noptions timeout:1`,
		);
		expect((await inspect("own")).HostConfig).toMatchObject({
			Dns: [SERVERS.second],
			DnsSearch: ["a.test", "b.test"],
			DnsOptions: ["timeout:1"],
		});
		await remove("plain", "own");
	});

	test("with the host's network: the host's own", async () => {
		await start("hosted", "--network", "host", "--add-host", "db:192.0.2.9");
		expect(await file("hosted", "/etc/resolv.conf")).toBe(`nameserver ${SERVERS.host}`);
		const [here, there] = [(await host.ok("cat", ["/etc/hosts"])).trim(), await file("hosted", "/etc/hosts")];
		expect(there).toBe(`${here}\n192.0.2.9\tdb`);
		await remove("hosted");
	});

	test("the user's mount at the same path wins", async () => {
		const mine = join(host.root, "mine");
		await writeFile(mine, "192.0.2.1 mine\n");
		await start("mounted", "--network", "front", "-v", `${mine}:/etc/hosts`);
		expect(await file("mounted", "/etc/hosts")).toBe("192.0.2.1 mine");
		expect(await file("mounted", "/etc/resolv.conf")).toContain("127.0.0.11");
		await host.wharfOk("network", "connect", "back", "mounted");
		expect(await file("mounted", "/etc/hosts")).toBe("192.0.2.1 mine");
		await remove("mounted");
	});

	test("they follow the networks, each until somebody has written to it", async () => {
		await start("editor");
		expect(await file("editor", "/etc/resolv.conf")).not.toContain("127.0.0.11");
		await host.wharfOk("network", "connect", "front", "editor");
		expect(await file("editor", "/etc/resolv.conf")).toContain("127.0.0.11");
		expect(await file("editor", "/etc/hosts")).toContain(await addressOn("editor", "front"));
		await inside("editor", "sh", "-c", "echo 192.0.2.7 mine >>/etc/hosts");
		const hosts = await file("editor", "/etc/hosts");
		await host.wharfOk("network", "disconnect", "front", "editor");
		expect(await file("editor", "/etc/hosts")).toBe(hosts);
		expect(await file("editor", "/etc/resolv.conf")).not.toContain("127.0.0.11");
		await inside("editor", "sh", "-c", "echo nameserver 192.0.2.7 >/etc/resolv.conf");
		await host.wharfOk("network", "connect", "front", "editor");
		expect(await file("editor", "/etc/resolv.conf")).toBe("nameserver 192.0.2.7");
		await remove("editor");
	});

	test("the host is at the gateway of the network, and reached there", async () => {
		const [program = "", ...args] = webServer(8093, "here");
		const server = host.start(program, args);
		try {
			await start("caller", "--network", "front", "--add-host", "host.docker.internal:host-gateway");
			const gateway = (await inspect("caller")).NetworkSettings.Networks.front.Gateway;
			expect(await file("caller", "/etc/hosts")).toContain(`${gateway}\thost.docker.internal\n`);
			await eventually(async () => expect(await host.fetch("http://127.0.0.1:8093/")).toBe("here"));
			const url = "http://host.docker.internal:8093/";
			expect(await inside("caller", "curl", "-s", "--max-time", "5", url)).toBe("here");
			await remove("caller");
		} finally {
			server.kill();
			await server.done;
		}
	});
});

describe("servers", () => {
	test("a container's own go before its network's, and these before the host's", async () => {
		await host.wharfOk("network", "create", "--dns", SERVERS.third, "thirds");
		expect((await inspect("thirds")).Dns).toEqual([SERVERS.third]);
		await start("said", "--network", "thirds", "--dns", SERVERS.second);
		await start("unsaid", "--network", "thirds");
		await start("neither", "--network", "front");
		expect(await dig("said", "who.test")).toEqual([WHO.second]);
		expect(await dig("unsaid", "who.test")).toEqual([WHO.third]);
		expect(await dig("neither", "who.test")).toEqual([WHO.host]);
		await host.wharfOk("network", "connect", "thirds", "neither");
		expect(await dig("neither", "x.who.test")).toEqual([WHO.third]);
		await host.wharfOk("network", "disconnect", "thirds", "neither");
		expect(await dig("neither", "y.who.test")).toEqual([WHO.host]);
		await remove("said", "unsaid", "neither");
	});

	test("a single label is searched as the user says", async () => {
		await start("searcher", "--network", "front", "--dns-search", "test", "--dns-option", "ndots:2");
		expect(await file("searcher", "/etc/resolv.conf")).toBe("nameserver 127.0.0.11\nsearch test\noptions ndots:2");
		expect(await inside("searcher", "getent", "ahostsv4", "who")).toContain(WHO.host);
		await remove("searcher");
	});

	test("a host whose servers are on its loopback: that is told, and nobody's public ones are taken", async () => {
		const path = "/etc/resolv.conf";
		const before = await host.ok("cat", [path]);
		await host.ok("sh", ["-c", `echo nameserver 127.0.0.53 >${path}`]);
		try {
			const { exitCode, stderr } = await host.wharf(["run", "-d", "--name", "alone", "host", "sleep", "1000"]);
			expect([exitCode, stderr]).toEqual([0, expect.stringMatching(/^alone has no DNS server: .*--dns\.\n$/)]);
			expect(await file("alone", path)).toMatch(/^# This host has no DNS server that a container reaches\./);
			await remove("alone");
		} finally {
			await host.ok("sh", ["-c", `printf %s '${before}' >${path}`]);
		}
	});
});

describe("links on a network that resolves names", () => {
	test("are for the asker alone, and follow the other as it comes and goes", async () => {
		const { stderr } = await host.wharf([
			"run",
			"-d",
			"--name",
			"asker",
			"--network",
			"front",
			"--link",
			"db:store",
			"host",
			"sleep",
			"1000",
		]);
		expect(stderr).toContain("no container db yet");
		await start("other", "--network", "front");
		expect(await dig("asker", "store")).toEqual([]);
		await start("db", "--network", "front");
		expect(await dig("asker", "store")).toEqual([await addressOn("db", "front")]);
		expect(await dig("asker", "store.front")).toEqual([await addressOn("db", "front")]);
		expect(await dig("other", "store.front")).toEqual([]);
		expect((await inspect("asker")).NetworkSettings.Networks.front.Links).toEqual(["db:store"]);
		await host.wharfOk("network", "disconnect", "front", "db");
		expect(await dig("asker", "store")).toEqual([]);
		await host.wharfOk("network", "connect", "front", "db");
		expect(await dig("asker", "store")).toEqual([await addressOn("db", "front")]);
		await remove("db");
		await start("db", "--network", "front", "--hostname", "again");
		expect(await dig("asker", "store")).toEqual([await addressOn("db", "front")]);
		await remove("asker", "other", "db");
	});

	test("can come with another network, and go with it", async () => {
		await start("kv", "--network", "back");
		await start("late", "--network", "front");
		await host.wharfOk("network", "connect", "--link", "kv:cache", "back", "late");
		expect(await dig("late", "cache")).toEqual([await addressOn("kv", "back")]);
		await kill(host, "netd");
		await kill(host, "dnsd");
		await eventually(async () => expect(await dig("late", "cache")).toEqual([await addressOn("kv", "back")]));
		await host.wharfOk("network", "disconnect", "back", "late");
		expect(await dig("late", "cache")).toEqual([]);
		await remove("kv", "late");
	});
});

test("links on the default bridge: lines, variables, and the address as it is now", async () => {
	await start("mysql", "-h", "mysqld", "-e", "ROOT_PASSWORD=secret", "-p", "13306:3306");
	await start("client", "--link", "mysql:my-sql");
	const [address, { Id }] = [await addressOn("mysql", "bridge"), await inspect("mysql")];
	const line = (at: string) => `${at}\tmy-sql mysqld mysql ${String(Id).slice(0, 12)}\n`;
	expect(await file("client", "/etc/hosts")).toContain(line(address));
	const environment = (await inside("client", "env")).split("\n");
	expect(environment).toEqual(
		expect.arrayContaining([
			`MY_SQL_PORT=tcp://${address}:3306`,
			`MY_SQL_PORT_3306_TCP=tcp://${address}:3306`,
			`MY_SQL_PORT_3306_TCP_ADDR=${address}`,
			"MY_SQL_PORT_3306_TCP_PORT=3306",
			"MY_SQL_PORT_3306_TCP_PROTO=tcp",
			"MY_SQL_NAME=/client/my-sql",
			"MY_SQL_ENV_ROOT_PASSWORD=secret",
		]),
	);
	expect(await inside("client", "ping", "-c1", "my-sql")).toContain("1 received");
	expect((await inspect("client")).HostConfig.Links).toEqual(["/mysql:/client/my-sql"]);
	// Without a link there are no names here.
	expect((await host.wharf(["exec", "mysql", "getent", "hosts", "client"])).exitCode).not.toBe(0);
	await host.wharfOk("stop", "-t", "0", "mysql");
	await eventually(async () => expect(await file("client", "/etc/hosts")).not.toContain("mysqld"));
	await start("taker");
	await host.wharfOk("start", "mysql");
	const moved = await addressOn("mysql", "bridge");
	expect(moved).not.toBe(address);
	expect(await file("client", "/etc/hosts")).toContain(line(moved));
	expect(await file("client", "/etc/hosts")).not.toContain(`${address}\t`);
	await remove("mysql", "taker");
	await host.wharfOk("stop", "-t", "0", "client");
	const { exitCode, stderr } = await host.wharf(["start", "client"]);
	expect([exitCode, stderr]).toEqual([1, expect.stringContaining("linked to mysql, which does not run")]);
	await remove("client");
});

test("links on the default bridge: the other leaves it and comes back", async () => {
	await start("target");
	await start("follower", "--link", "target");
	const line = async () => `${await addressOn("target", "bridge")}\ttarget`;
	expect(await file("follower", "/etc/hosts")).toContain(await line());
	await host.wharfOk("network", "disconnect", "bridge", "target");
	expect(await file("follower", "/etc/hosts")).not.toContain("target");
	await host.wharfOk("stop", "-t", "0", "follower");
	const { exitCode, stderr } = await host.wharf(["start", "follower"]);
	expect([exitCode, stderr]).toEqual([
		1,
		expect.stringContaining("target cannot be linked to: it is not on network bridge"),
	]);
	await host.wharfOk("network", "connect", "bridge", "target");
	await host.wharfOk("start", "follower");
	await host.wharfOk("network", "disconnect", "bridge", "target");
	await host.wharfOk("network", "connect", "bridge", "target");
	expect(await file("follower", "/etc/hosts")).toContain(await line());
	await remove("target", "follower");
});

test("the gateway ends between a change of networks and the files: its next process makes them say it", async () => {
	await start("woken", "--network", "front");
	const dir = join(host.root, "containers", (await inspect("woken")).Id);
	const before = await Promise.all(["hosts", "written.json"].map((name) => readFile(join(dir, name), "utf8")));
	await host.wharfOk("network", "connect", "back", "woken");
	const address = await addressOn("woken", "back");
	expect(await file("woken", "/etc/hosts")).toContain(address);
	await kill(host, "gateway", "STOP");
	// In place: the container has it mounted.
	await writeFile(join(dir, "hosts"), before[0] ?? "");
	await writeFile(join(dir, "written.json"), before[1] ?? "");
	await kill(host, "gateway");
	await eventually(async () => expect(await file("woken", "/etc/hosts")).toContain(address));
	await remove("woken");
});

test("names: host names, one alias of several, both families' reverse names, a name on two shared networks", async () => {
	await host.wharfOk("network", "create", "--ipv6", "dual");
	await start("asker", "--network", "dual", "--network", "front");
	await start("one", "--network", "dual", "-h", "first", "--network-alias", "pool");
	await start("two", "--network", "dual", "--network-alias", "pool");
	const [one, two] = [await inspect("one"), await inspect("two")].map(
		({ NetworkSettings }) => NetworkSettings.Networks.dual,
	);
	expect(await dig("asker", "first")).toEqual([one.IPAddress]);
	expect(await dig("asker", "AAAA", "one")).toEqual([one.GlobalIPv6Address]);
	expect(await dig("asker", "pool")).toEqual([one.IPAddress, two.IPAddress].toSorted());
	expect(await dig("asker", "-x", one.IPAddress)).toEqual(["one.dual."]);
	expect(await dig("asker", "-x", one.GlobalIPv6Address)).toEqual(["one.dual."]);
	// On both networks of the asker's it is the address on the one whose name sorts first; each is there by its whole name.
	await host.wharfOk("network", "connect", "front", "two");
	expect(await dig("asker", "two")).toEqual([two.IPAddress]);
	expect(await dig("asker", "two.front")).toEqual([await addressOn("two", "front")]);
	await host.wharfOk("network", "disconnect", "dual", "two");
	expect(await dig("asker", "two")).toEqual([await addressOn("two", "front")]);
	expect(await dig("asker", "pool")).toEqual([one.IPAddress]);
	expect(await dig("asker", "-x", two.IPAddress)).toEqual([]);
	await remove("asker", "one", "two");
});

test("a container goes away while dnsd hangs, and so do its names when dnsd is back", async () => {
	await start("stays", "--network", "front");
	await start("goes", "--network", "front");
	const { EndpointID } = (await inspect("goes")).NetworkSettings.Networks.front;
	const leg = `wv-${String(EndpointID).slice(0, 12)}`;
	const links = () => host.ok("ip", ["-o", "link", "show"]);
	expect(await links()).toContain(leg);
	await kill(host, "dnsd", "STOP");
	try {
		const { exitCode, stderr } = await host.wharf(["rm", "-f", "goes"], { timeoutMs: 10_000 });
		expect([exitCode, stderr]).toEqual([0, ""]);
		expect(await host.wharfOk("ps", "-a", "--format", "json")).not.toContain('"goes"');
		// Its namespace is held by dnsd's sockets, and the link goes all the same.
		await eventually(async () => expect(await links()).not.toContain(leg));
	} finally {
		await kill(host, "dnsd", "CONT");
	}
	await eventually(async () => expect(await dig("stays", "goes.front")).toEqual([]));
	await remove("stays");
});

describe("refused, with one sentence and nothing made", () => {
	const run = ["run", "-d"];
	const end = ["host", "sleep", "9"];
	// What ran before leaves its links, and its bridge the carrier, a moment after its removal.
	beforeAll(() =>
		eventually(async () => {
			const links: { ifname: string; operstate: string }[] = JSON.parse(await host.ok("ip", ["-j", "link", "show"]));
			const ours = links.filter(({ ifname }) => /^(wv-|wh-|wharf0)/.test(ifname));
			expect(ours.filter(({ ifname, operstate }) => ifname.startsWith("wv-") || operstate !== "DOWN")).toEqual([]);
		}),
	);
	test.each<[string, string[], number, RegExp]>([
		["a server that is no address", [...run, "--dns", "dns.example", ...end], 125, /dns\.example/],
		["a search domain", [...run, "--dns-search", "a b", ...end], 125, /search domain "a b"/],
		["no domain beside one", [...run, "--dns-search", ".", "--dns-search", "a.test", ...end], 125, /`\.` alone/],
		["a resolver's option", [...run, "--dns-option", "ndots 2", ...end], 125, /"ndots 2"/],
		["an extra host without an address", [...run, "--add-host", "db", ...end], 125, /extra host "db"/],
		["an extra host at no address", [...run, "--add-host", "db:1.2.3", ...end], 125, /"1\.2\.3" is no address/],
		["a host name", [...run, "-h", "a_b", ...end], 125, /"a_b"/],
		["a domain", [...run, "--domainname", "a..b", ...end], 125, /a\.\.b/],
		["a link to nobody on the default bridge", [...run, "--link", "nosuch", ...end], 125, /no container "nosuch"/],
		["a link of two colons", [...run, "--link", "a:b:c", ...end], 125, /"a:b:c"/],
		[
			"two links of one name",
			[...run, "--network", "front", "--link", "a:x", "--link", "b:x", ...end],
			125,
			/called x/,
		],
		["links without a network", [...run, "--network", "none", "--link", "a", ...end], 125, /none has no links/],
		[
			"the host's address without a network",
			[...run, "--network", "none", "--add-host", "h:host-gateway", ...end],
			125,
			/h cannot be the host/,
		],
		["a network's server that is no address", ["network", "create", "--dns", "nowhere", "n"], 1, /nowhere/],
	])("%s", async (_, args, status, sentence) => {
		const before = await fingerprint(host);
		const { exitCode, stdout, stderr } = await host.wharf(args);
		expect(stderr).toMatch(sentence);
		expect([exitCode, stdout]).toEqual([status, ""]);
		expect(stderr.split("\n").length).toBeLessThanOrEqual(4);
		expect(await fingerprint(host)).toEqual(before);
	});

	test("to have servers, hosts or links of one's own beside another's network", async () => {
		await start("owner", "--network", "front");
		for (const flags of [
			["--dns", "192.0.2.1"],
			["--add-host", "a:192.0.2.1"],
			["--link", "owner"],
			["--domainname", "x"],
		]) {
			const { exitCode, stderr } = await host.wharf([...run, "--network", "container:owner", ...flags, ...end]);
			expect([exitCode, stderr]).toEqual([125, expect.stringContaining("the network is that of container owner")]);
		}
		await remove("owner");
	});

	test("to be linked on the default bridge to one that is elsewhere, or late", async () => {
		await start("away", "--network", "front");
		expect((await host.wharf([...run, "--link", "away", ...end])).stderr).toContain("not on network bridge");
		const { stderr } = await host.wharf(["network", "connect", "--link", "away", "bridge", "away"]);
		expect(stderr).toContain("made with its container");
		await remove("away");
	});
});

test("the services' own setting is for those that nobody else says anything of", async () => {
	await host.wharfOk("down");
	const { exitCode, stderr } = await host.wharf(["up"], { env: { WHARF_NETD_DNS: SERVERS.third }, timeoutMs: 120_000 });
	expect([exitCode, stderr]).toEqual([0, ""]);
	await start("plain");
	expect(await file("plain", "/etc/resolv.conf")).toBe(`nameserver ${SERVERS.third}`);
	await start("named", "--network", "front");
	expect(await dig("named", "who.test")).toEqual([WHO.third]);
	await start("own", "--network", "front", "--dns", SERVERS.second);
	expect(await dig("own", "who.test")).toEqual([WHO.second]);
	await remove("plain", "named", "own");
});
