/** A resolver in every sandbox of a network with names, whatever the network and whatever else listens there; and after dnsd's every end. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { audit } from "../support/audit/audit.ts";
import { eventually } from "../support/eventually.ts";
import { Host } from "../support/host.ts";
import { kill, pidsOf, settled } from "../support/services.ts";
import { takeDown } from "../support/take-down.ts";
import { BARE_DNSMASQ, Upstream } from "../support/upstream.ts";

let host: Host;
let upstream: Upstream | undefined;

async function runs(name: string, network: string, ...command: string[]): Promise<void> {
	const program = command.length > 0 ? command : ["sleep", "1000"];
	await host.wharfOk("run", "-d", "--name", name, "--network", network, "host", ...program);
}

beforeAll(async () => {
	host = await Host.boot();
	upstream = await Upstream.start(host, "--address=/example.test/203.0.113.7");
	await host.ok("ip", ["link", "add", "eth1", "up", "type", "veth", "peer", "name", "port1", "netns", "outside"]);
	await host.ok("ip", ["-n", "outside", "link", "set", "port1", "up"]);
	await host.wharfOk("up");
	await host.wharfOk("network", "create", "front");
	await host.wharfOk("network", "create", "--internal", "inner");
	const lan = ["--subnet", "10.77.0.0/24", "-o", "parent=eth1", "lan"];
	await host.wharfOk("network", "create", "-d", "macvlan", ...lan);
	await runs("web", "front");
	await runs("own", "front", "dnsmasq", ...BARE_DNSMASQ, "--address=/own.example/10.9.9.9");
	await runs("station", "lan");
	await runs("other", "lan");
	await runs("secret", "inner");
	await runs("peer", "inner");
	await runs("side", "container:web");
});

afterAll(async () => {
	await upstream?.end();
	await takeDown(host);
});

/** `NOERROR` and the like, and the data, of each query one after the other; asked once. */
async function dig(container: string, ...query: string[]): Promise<string> {
	const text = await host.wharfOk("exec", container, "dig", "+tries=1", "+time=5", ...query);
	const said = /status: (\w+)|^[^;\s]\S*\s+\d+\s+IN\s+(?:A|AAAA|PTR)\s+(\S+)$/gm;
	return [...text.matchAll(said)].map(([, status, data]) => status ?? data).join(" ");
}

/** Every container finds a neighbour over UDP and TCP, and nothing but what is stored is open anywhere. */
async function allAnswer(): Promise<void> {
	for (const [container, name] of [
		["web", "own"],
		["own", "web"],
		["side", "own"],
		["station", "other"],
		["other", "station.lan"],
		["secret", "peer"],
		["peer", "secret"],
	] as const) {
		const answers = await dig(container, name, "+notcp", name, "+tcp");
		expect([container, answers]).toEqual([container, expect.stringMatching(/^NOERROR (1\S+) NOERROR \1$/)]);
	}
	expect(await audit(host)).toEqual([]);
}

test("on a bridge, a macvlan, an internal network, and for who shares another's network", async () => {
	await allAnswer();
	for (const container of ["web", "own", "side", "station"]) {
		expect([container, await dig(container, "example.test")]).toEqual([container, "NOERROR 203.0.113.7"]);
	}
});

test("beside a DNS server of the container's own on 0.0.0.0:53, which answers its neighbours and itself", async () => {
	for (const transport of ["+notcp", "+tcp"]) {
		expect(await dig("own", transport, "@127.0.0.1", "own.example")).toBe("NOERROR 10.9.9.9");
		expect(await dig("web", transport, "@own", "own.example")).toBe("NOERROR 10.9.9.9");
		expect(await dig("own", transport, "@127.0.0.11", "own.example")).toBe("NXDOMAIN");
		expect(await dig("own", transport, "@127.0.0.11", "web")).toMatch(/^NOERROR 1/);
	}
});

test("an internal network knows its own names, and of others that there are none; nobody outside hears of it", async () => {
	expect(await dig("secret", "peer.inner")).toMatch(/^NOERROR 1/);
	for (const name of ["example.test", "hidden.example", "web", "own.front", "7.113.0.203.in-addr.arpa"]) {
		const answers = await dig("secret", name, "+notcp", name, "AAAA", "+tcp");
		expect([name, answers]).toEqual([name, "NXDOMAIN NXDOMAIN"]);
	}
	expect(await dig("web", "open.example")).toBe("NXDOMAIN");
	// More than once when it was slow to answer.
	expect(await upstream?.asked("open.example")).toBeGreaterThan(0);
	expect(await upstream?.asked("hidden.example")).toBe(0);
});

test.each(["KILL", "TERM"])("after dnsd's end by SIG%s it is everywhere again", async (signal) => {
	const before = await pidsOf(host, "dnsd");
	await kill(host, "dnsd", signal);
	await eventually(async () => {
		const now = await pidsOf(host, "dnsd");
		expect([now.length, now.some((pid) => before.includes(pid))]).toEqual([1, false]);
	}, 30_000);
	await settled(host);
	await eventually(allAnswer, 30_000);
});

test("after a while without any service it is everywhere again", async () => {
	await host.wharfOk("down");
	expect(await pidsOf(host, "dnsd")).toEqual([]);
	await host.wharfOk("up");
	await settled(host);
	await eventually(allAnswer, 30_000);
});

test("while dnsd hangs, containers go away, and others go on; when it goes on, all is as it should be", async () => {
	await runs("brief", "front");
	await kill(host, "dnsd", "STOP");
	try {
		const began = performance.now();
		// Two seconds are promised; what is more than a command's own time on a busy machine fails here.
		const { exitCode, stderr } = await host.wharf(["rm", "-f", "brief"], { timeoutMs: 10_000 });
		console.log(`rm -f while dnsd hangs: ${Math.round(performance.now() - began)} ms`);
		expect([exitCode, stderr]).toEqual([0, ""]);
		expect(await host.wharfOk("ps", "-a")).not.toContain("brief");
		expect(await host.wharfOk("exec", "web", "ping", "-c1", "-W5", "127.0.0.1")).toContain("1 received");
	} finally {
		await kill(host, "dnsd", "CONT");
	}
	await eventually(allAnswer, 30_000);
	expect(await dig("web", "brief")).toBe("NXDOMAIN");
});
