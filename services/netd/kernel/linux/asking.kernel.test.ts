/** Published ports where the host's own firewall decides from where they are reached. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { Ip } from "#lib/address/ip.ts";
import { run, start } from "#lib/exec/run.ts";
import { writeSysctl } from "#lib/linux/sysctl.ts";
import type { Port } from "../../port.ts";
import type { Sandbox } from "../../sandbox.ts";
import { call, connectSpec, networkSpec, sandboxSpec, subnetSpec, tcp } from "../../test-support/netd.ts";
import { HOST, HOST6, OUTSIDE, OUTSIDE6, type Town, town } from "../../test-support/town.ts";

const NEIGHBOUR = "192.0.2.3";

let t: Town;
let web: Sandbox;
beforeEach(async () => {
	t = await town({ asksHost: true });
	const subnets = [subnetSpec("10.77.0.0/24"), subnetSpec("fd00:77::/64")];
	await t.it.netd.networks.create(networkSpec("front", { subnets }), call());
	web = await published("web", tcp(8080, 80));
	await t.serve(web.netnsPath, 80);
	await t.serve(web.netnsPath, 80, "::");
	t.run(t.outside, "ip", "addr", "add", `${NEIGHBOUR}/24`, "dev", "out1");
});
afterEach(() => t[Symbol.asyncDispose]());

async function published(name: string, ...ports: readonly Port[]): Promise<Sandbox> {
	const sandbox = await t.it.netd.sandboxes.create(sandboxSpec(name), call());
	await t.it.netd.endpoints.connect(connectSpec("front", sandbox, { ports }), call());
	return sandbox;
}

/** The host's own rules for what comes to it. */
function host(policy: "accept" | "drop", ...rules: readonly string[]): void {
	t.run(
		t.host,
		"nft",
		`table inet host { chain input { type filter hook input priority 0; policy ${policy}; }; }
		flush chain inet host input
		add rule inet host input ct state established accept
		add rule inet host input meta l4proto ipv6-icmp accept
		${rules.map((rule) => `add rule inet host input ${rule}`).join("\n")}`,
	);
}

/** Segments that have gone round since this was said first. */
function wentRound(): number {
	const counting = `table inet counting { chain round {
		type filter hook prerouting priority -310;
		iifname "wh-answer" meta l4proto tcp counter
	}; }`;
	const tables = t.run(t.host, "nft", "list", "tables");
	if (!tables.includes("counting")) t.run(t.host, "nft", counting);
	const rules = t.run(t.host, "nft", "list", "table", "inet", "counting");
	return Number(/packets (\d+)/.exec(rules)?.[1]);
}

test("what the host denies is not reached from outside; what it allows is, by the client's own address, in both families", async () => {
	for (const strict of [0, 1]) {
		writeSysctl(t.host, "net/ipv4/conf/all/rp_filter", strict);
		host("accept", "tcp dport 8080 drop");
		expect(await t.ask(t.outside, HOST, 8080)).toBe("");
		expect(await t.ask(t.outside, HOST6, 8080)).toBe("");
		host("drop", "tcp dport 8080 accept");
		expect(await t.ask(t.outside, HOST, 8080)).toBe(OUTSIDE);
		expect(await t.ask(t.outside, HOST6, 8080)).toBe(OUTSIDE6);
	}
	host("drop", `ip saddr ${NEIGHBOUR} tcp dport 8080 accept`);
	expect(await t.ask(t.outside, HOST, 8080)).toBe("");
	t.run(t.outside, "ip", "route", "replace", "192.0.2.0/24", "dev", "out1", "src", NEIGHBOUR);
	expect(await t.ask(t.outside, HOST, 8080)).toBe(NEIGHBOUR);
});

test("whoever is inside is not asked about: the host itself, and containers", async () => {
	host("drop", 'iifname "lo" accept');
	const other = await published("other");
	for (const address of [HOST, "127.0.0.1"]) expect(await t.ask(t.host, address, 8080)).not.toBe("");
	expect(await t.ask(other.netnsPath, HOST, 8080)).not.toBe("");
	expect(await t.ask(web.netnsPath, HOST, 8080)).not.toBe("");
	expect(await t.ask(t.outside, HOST, 8080)).toBe("");
});

test("only a connection's first packet goes round, and only to what is published", async () => {
	host("accept");
	await t.serve(t.host, 9000);
	expect(wentRound()).toBe(0);
	expect(await t.ask(t.outside, HOST, 9000)).toBe(OUTSIDE);
	expect(wentRound()).toBe(0);
	const { cut } = await t.hold(t.outside, HOST, 8080);
	expect(wentRound()).toBe(1);
	// What is established goes on when the host denies what is new, as everywhere; and ends when it is unpublished.
	host("drop");
	const endpoint = t.it.netd.endpoints.list({ network: undefined, sandboxId: web.id }, { limit: 10, after: 0 })
		.items[0]!;
	await t.it.netd.ports.unpublish({ endpointId: endpoint.endpoint.id, ports: [] }, call());
	expect(await cut).toBe(true);
	const rules = t.run(t.host, "nft", "list", "table", "inet", "wharf");
	expect(rules.match(/set asked\w+ \{[^}]*\}/g)?.filter((set) => set.includes("elements"))).toEqual([]);
});

test("a published port at one address, and a datagram, which nobody sends twice", async () => {
	const server = `const s = require("dgram").createSocket("udp4"); s.on("message", (m, r) => s.send(r.address, r.port, r.address)); s.bind(53, () => console.log("there"))`;
	const client = `const s = require("dgram").createSocket("udp4"); s.on("message", (m) => { console.log(String(m)); process.exit(); }); s.send("?", 5353, "${HOST}"); setTimeout(() => process.exit(), 1500)`;
	const udp: Port = { protocol: "udp", hostAddress: undefined, hostPort: 5353, containerPort: 53 };
	const dns = await published("dns", udp, tcp(8081, 80, HOST));
	await t.serve(dns.netnsPath, 80);
	const child = start("nsenter", [`--net=${dns.netnsPath}`, "--", process.execPath, "-e", server]);
	try {
		await new Promise((resolve) => child.stdout.once("data", resolve).resume());
		const ask = async () => (await run("nsenter", [`--net=${t.outside}`, "--", process.execPath, "-e", client])).stdout;
		host("drop", "udp dport 5353 accept");
		expect((await ask()).trim()).toBe(OUTSIDE);
		expect(await t.ask(t.outside, HOST, 8081)).toBe("");
		host("drop", "tcp dport 8081 accept");
		expect(await ask()).toBe("");
		expect(await t.ask(t.outside, HOST, 8081)).toBe(OUTSIDE);
	} finally {
		child.kill("SIGKILL");
		await child.done;
	}
});

test("neighbours on a segment that a bridge of ours is plugged into, with the host's own address, are outside", async () => {
	const subnet = subnetSpec("192.0.2.0/24", { gateway: Ip.parse(OUTSIDE) });
	const options = { "wharf.bridge.uplink": "out0", "wharf.bridge.uplink_move": "true" };
	await t.it.netd.networks.create(networkSpec("segment", { subnets: [subnet], options }), call());
	host("drop");
	expect(await t.ask(t.outside, HOST, 8080)).toBe("");
	host("drop", "tcp dport 8080 accept");
	expect(await t.ask(t.outside, HOST, 8080)).toBe(OUTSIDE);
});

test.each([
	["its links", "ip", ["link", "del", "wh-ask"]],
	["the end that copies come in at", "ip", ["link", "set", "wh-answer", "down"]],
	["a table of its", "nft", ["delete", "table", "ip", "wharf"]],
	["the chain that asks", "nft", ["flush", "chain", "inet", "wharf", "ask"]],
	["the ports that are asked about", "nft", ["flush", "set", "inet", "wharf", "asked4"]],
])("%s taken away are back", async (_, file, args) => {
	host("drop", "tcp dport 8080 accept");
	t.run(t.host, file, ...args);
	await t.it.netd.reconcile.run();
	expect(await t.ask(t.outside, HOST, 8080)).toBe(OUTSIDE);
	host("drop");
	expect(await t.ask(t.outside, HOST, 8080)).toBe("");
});
