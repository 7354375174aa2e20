/** What passes beside programs that drop what they forward, once the operator has consented to a rule of ours in theirs. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { Ip } from "#lib/address/ip.ts";
import { IpRange } from "#lib/address/ip-range.ts";
import { start } from "#lib/exec/run.ts";
import { call, connectSpec, networkSpec, sandboxSpec, subnetSpec, tcp } from "../../test-support/netd.ts";
import { HOST, HOST6, OUTSIDE, OUTSIDE6, showBridged, type Town, town } from "../../test-support/town.ts";

const OURS = "-A DOCKER-USER -m mark --mark 0x4000000/0x4000000 -m comment --comment wharf -j ACCEPT";
const RETURN = "-A DOCKER-USER -j RETURN";

/** As Docker Engine 20.10 writes them, for `iptables` or `ip6tables`. */
const DOCKER = `*filter
:INPUT ACCEPT
:FORWARD DROP
:OUTPUT ACCEPT
:DOCKER -
:DOCKER-ISOLATION-STAGE-1 -
:DOCKER-ISOLATION-STAGE-2 -
:DOCKER-USER -
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A FORWARD -i docker0 -o docker0 -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-1 -j RETURN
-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
-A DOCKER-ISOLATION-STAGE-2 -j RETURN
-A DOCKER-USER -j RETURN
COMMIT
`;

let t: Town;
let inside: string;
beforeEach(async () => {
	t = await town({ adapts: true });
	const subnets = [subnetSpec("10.77.0.0/24"), subnetSpec("fd00:77::/64")];
	await t.it.netd.networks.create(networkSpec("front", { subnets }), call());
	const sandbox = await t.it.netd.sandboxes.create(sandboxSpec("web"), call());
	await t.it.netd.endpoints.connect(connectSpec("front", sandbox, { ports: [tcp(8080, 80)] }), call());
	inside = sandbox.netnsPath;
	await t.serve(inside, 80);
	await t.serve(inside, 80, "::");
	await t.serve(t.outside, 90);
	await t.serve(t.outside, 90, "::");
});
afterEach(() => t[Symbol.asyncDispose]());

function restore(program: "iptables" | "ip6tables", rules: string): void {
	t.run(t.host, "sh", "-c", `printf '%s' "$1" | ${program}-restore`, "sh", rules);
}

const dockerUser = (program = "iptables"): string[] =>
	t.run(t.host, program, "-S", "DOCKER-USER").trim().split("\n").slice(1);

test("both ways, in both families; iptables-save and ip6tables-save tell the rule as it is", async () => {
	restore("iptables", DOCKER);
	restore("ip6tables", DOCKER);
	expect(await t.ask(t.outside, HOST, 8080)).toBe("");
	expect(await t.ask(inside, OUTSIDE, 90)).toBe("");
	expect(await t.it.netd.reconcile.run()).toBe(0);
	expect(await t.ask(t.outside, HOST, 8080)).toBe(OUTSIDE);
	expect(await t.ask(inside, OUTSIDE, 90)).toBe(HOST);
	expect(await t.ask(t.outside, HOST6, 8080)).toBe(OUTSIDE6);
	expect(await t.ask(inside, OUTSIDE6, 90)).toBe(HOST6);
	for (const program of ["iptables", "ip6tables"]) {
		expect(dockerUser(program)).toEqual([OURS, RETURN]);
		const saved = t.run(t.host, `${program}-save`);
		expect(saved).toContain(OURS);
		// What was saved is restored, and is ours all the same.
		t.run(t.host, "sh", "-c", `printf '%s' "$1" | ${program}-restore`, "sh", saved);
		expect(await t.it.netd.reconcile.run()).toBe(0);
		expect(dockerUser(program)).toEqual([OURS, RETURN]);
	}
	// Nothing that is not published comes in by it.
	await t.serve(inside, 81);
	expect(await t.ask(t.outside, "10.77.0.2", 81)).toBe("");
});

test("a network more costs no rule more, and Docker's own containers are as apart from ours as before", async () => {
	t.run(t.host, "ip", "link", "add", "docker0", "type", "bridge");
	t.run(t.host, "ip", "addr", "add", "172.17.0.1/16", "dev", "docker0");
	t.run(t.host, "ip", "link", "set", "docker0", "up");
	const theirs = (await t.it.netd.sandboxes.create(sandboxSpec("theirs"), call())).netnsPath;
	t.run(
		t.host,
		"ip",
		"link",
		"add",
		"veth7",
		"master",
		"docker0",
		"type",
		"veth",
		"peer",
		"name",
		"eth0",
		"netns",
		theirs,
	);
	t.run(t.host, "ip", "link", "set", "veth7", "up");
	for (const args of ["addr add 172.17.0.2/16 dev eth0", "link set eth0 up", "route add default via 172.17.0.1"])
		t.run(theirs, "ip", ...args.split(" "));
	await t.serve(theirs, 80);
	restore("iptables", DOCKER);
	t.run(
		t.host,
		"nft",
		"table ip theirs { chain out { type nat hook postrouting priority 100; iifname docker0 masquerade; }; }",
	);
	await t.it.netd.networks.create(networkSpec("back"), call());
	await t.it.netd.reconcile.run();
	expect(dockerUser()).toEqual([OURS, RETURN]);
	expect(await t.ask(theirs, OUTSIDE, 90)).toBe(HOST);
	expect(await t.ask(t.host, "172.17.0.2", 80)).toBe("172.17.0.1");
	expect(await t.ask(inside, "172.17.0.2", 80)).toBe("");
	expect(await t.ask(theirs, "10.77.0.2", 80)).toBe("");
});

test("a way out that is a bridge of somebody's is a way out", async () => {
	t.run(t.host, "ip", "link", "add", "br0", "type", "bridge");
	t.run(t.host, "ip", "addr", "flush", "dev", "out0");
	t.run(t.host, "ip", "link", "set", "out0", "master", "br0");
	t.run(t.host, "ip", "addr", "add", `${HOST}/24`, "dev", "br0");
	t.run(t.host, "ip", "link", "set", "br0", "up");
	t.run(t.host, "ip", "route", "add", "default", "via", OUTSIDE);
	restore("iptables", DOCKER);
	await t.it.netd.reconcile.run();
	expect(await t.ask(inside, OUTSIDE, 90)).toBe(HOST);
	expect(await t.ask(t.outside, HOST, 8080)).toBe(OUTSIDE);
});

test("the operator's rules come first, whenever they were written: in Docker's place, and in our own chain", async () => {
	t.run(t.outside, "ip", "addr", "add", "192.0.2.3/24", "dev", "out1");
	restore("iptables", DOCKER);
	await t.it.netd.reconcile.run();
	expect(await t.ask(t.outside, HOST, 8080)).toBe(OUTSIDE);
	// Behind ours, and before the return.
	t.run(t.host, "iptables", "-D", "DOCKER-USER", "-j", "RETURN");
	t.run(t.host, "iptables", "-A", "DOCKER-USER", "-s", OUTSIDE, "-j", "DROP");
	await t.it.netd.reconcile.run();
	expect(dockerUser()).toEqual([`-A DOCKER-USER -s ${OUTSIDE}/32 -j DROP`, OURS]);
	expect(await t.ask(t.outside, HOST, 8080)).toBe("");
	t.run(t.host, "iptables", "-F", "DOCKER-USER");
	await t.it.netd.reconcile.run();
	expect(await t.ask(t.outside, HOST, 8080)).toBe(OUTSIDE);
	t.run(
		t.host,
		"nft",
		`add rule inet wharf operator meta l4proto tcp ip saddr ${OUTSIDE} ct original proto-dst 8080 drop`,
	);
	expect(await t.ask(t.outside, HOST, 8080)).toBe("");
	t.run(t.host, "nft", "flush chain inet wharf operator");
	t.run(
		t.host,
		"nft",
		"add rule inet wharf operator meta l4proto tcp ip saddr 192.0.2.3 ct original proto-dst 8080 drop",
	);
	expect(await t.ask(t.outside, HOST, 8080)).toBe(OUTSIDE);
	await t.it.netd.reconcile.run();
	expect(t.run(t.host, "nft", "list", "chain", "inet", "wharf", "operator")).toContain("192.0.2.3");
});

test("frames inside a network, and on a segment beyond the host, where the kernel shows them to Docker's rules", async () => {
	const ipRange = IpRange.parse("192.0.2.128/25");
	const subnet = subnetSpec("192.0.2.0/24", { ipRange, gateway: Ip.parse(OUTSIDE) });
	const options = { "wharf.bridge.uplink": "out0", "wharf.bridge.uplink_move": "true" };
	await t.it.netd.networks.create(networkSpec("segment", { subnets: [subnet], options }), call());
	t.run(t.host, "ip", "route", "replace", "default", "via", OUTSIDE);
	const on = async (network: string) => {
		const sandbox = await t.it.netd.sandboxes.create(sandboxSpec(network), call());
		const { view } = await t.it.netd.endpoints.connect(connectSpec(network, sandbox), call());
		const { netnsPath } = sandbox;
		await t.serve(netnsPath, 80);
		return { netnsPath, address: view.endpoint.addresses[0]?.ip.toString() ?? "" };
	};
	const [neighbour, station] = [await on("front"), await on("segment")];
	showBridged(t.host, true);
	restore("iptables", DOCKER);
	expect(await t.ask(inside, neighbour.address, 80)).toBe("");
	await t.it.netd.reconcile.run();
	expect(await t.ask(inside, neighbour.address, 80)).not.toBe("");
	expect(await t.ask(station.netnsPath, OUTSIDE, 90)).toBe(station.address);
	expect(await t.ask(t.outside, station.address, 80)).toBe(OUTSIDE);
	// The segment's bridge is the way out of the others.
	expect(await t.ask(inside, OUTSIDE, 90)).toBe(HOST);
	expect(await t.ask(t.outside, HOST, 8080)).toBe(OUTSIDE);
});

test("a table that its program keeps to itself is left, and told of with its own command; others are mended", async () => {
	const child = start("nsenter", [`--net=${t.host}`, "--", "nft", "-i"], { stdin: "pipe" });
	try {
		child.stdin.write(`
			add table inet firewalld { flags owner; }
			add chain inet firewalld filter_FORWARD_ZONES
			add chain inet firewalld filter_FORWARD { type filter hook forward priority 10; policy accept; }
			add rule inet firewalld filter_FORWARD ct state established accept
			add rule inet firewalld filter_FORWARD jump filter_FORWARD_ZONES
			add rule inet firewalld filter_FORWARD reject with icmpx admin-prohibited
		`);
		await expect.poll(() => t.run(t.host, "nft", "list", "ruleset"), { timeout: 10_000 }).toContain("reject");
		restore("iptables", DOCKER);
		// What has a problem is looked at again by itself.
		await expect.poll(() => t.it.netd.reconcile.run(), { timeout: 10_000 }).toBe(0);
		expect(dockerUser()).toEqual([OURS, RETURN]);
		const found = t.it.netd.diagnosis.run();
		expect(found.map(({ code, metadata }) => [code, metadata["owner"]])).toContainEqual(["FOREIGN_DROP", "firewalld"]);
	} finally {
		child.kill("SIGKILL");
		await child.done;
	}
});

test("nobody else sees the mark", async () => {
	t.run(
		t.host,
		"nft",
		`table inet others {
			chain before { type filter hook forward priority -2; meta mark & 0x04000000 != 0 counter; }
			chain behind { type filter hook forward priority 1001; meta mark & 0x04000000 != 0 counter; }
			chain away { type filter hook postrouting priority -300; meta mark & 0x04000000 != 0 counter; }
			chain passed { type filter hook forward priority 1; meta mark & 0x04000000 != 0 counter; }
		}`,
	);
	restore("iptables", DOCKER);
	await t.it.netd.reconcile.run();
	expect(await t.ask(t.outside, HOST, 8080)).toBe(OUTSIDE);
	const counted = (chain: string): string[] =>
		t.run(t.host, "nft", "list", "chain", "inet", "others", chain).match(/packets \d+/g) ?? [];
	expect(["before", "behind", "away"].flatMap(counted)).toEqual(["packets 0", "packets 0", "packets 0"]);
	expect(counted("passed")).not.toEqual(["packets 0"]);
});

test("without Docker's dropping it is gone, and so are the marks", async () => {
	restore("iptables", DOCKER);
	await t.it.netd.reconcile.run();
	t.run(t.host, "iptables", "-P", "FORWARD", "ACCEPT");
	await t.it.netd.reconcile.run();
	expect(dockerUser()).toEqual([RETURN]);
	expect(t.run(t.host, "nft", "list", "table", "inet", "wharf")).not.toContain("let_through");
});
