/** IPv6 as packets meet it: what is published, what leaves, and what a segment may tell a sandbox. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Sandbox } from "../../sandbox.ts";
import { BOTH_FAMILIES, call, connectSpec, networkSpec, sandboxSpec, tcp } from "../../test-support/netd.ts";
import { HOST, HOST6, OUTSIDE6, showBridged, type Town, town } from "../../test-support/town.ts";

let t: Town;
beforeEach(async () => {
	t = await town();
	await t.it.netd.networks.create(networkSpec("dual", { subnets: BOTH_FAMILIES }), call());
	await t.it.netd.networks.create(networkSpec("plain"), call());
});
afterEach(() => t[Symbol.asyncDispose]());

const sandbox = (name: string): Promise<Sandbox> => t.it.netd.sandboxes.create(sandboxSpec(name), call());

/** Its IPv6 address on the network, or "". */
async function connect(of: Sandbox, network: string, more: Parameters<typeof connectSpec>[2] = {}): Promise<string> {
	const { view } = await t.it.netd.endpoints.connect(connectSpec(network, of, more), call());
	return view.endpoint.addresses.find(({ ip }) => ip.family === 6)?.ip.toString() ?? "";
}

const REFUSED = `
import socket, sys
client = socket.socket(socket.AF_INET6, getattr(socket, "SOCK_" + sys.argv[1]))
client.settimeout(5)
try:
    client.connect(("::1", 8080))
    client.send(b"x")
    print(client.recv(1))
except (ConnectionRefusedError, PermissionError): print("refused")
`;

test.each([true, false])("published at [::], and beside it at one address; bridged frames shown: %s", async (shown) => {
	showBridged(t.host, shown);
	const [web, near] = [await sandbox("web"), await sandbox("near")];
	const own = await connect(web, "dual", {
		ports: [tcp(8080, 80, "::"), tcp(8080, 81, HOST6), { ...tcp(8080, 80, "::"), protocol: "udp" }],
	});
	await connect(near, "dual");
	const gateway = own.replace(/[^:]+$/, "1");
	await t.serve(web.netnsPath, 80, "::");
	expect(await t.ask(t.outside, HOST6, 8080)).toBe("");
	expect(await t.ask(near.netnsPath, gateway, 8080)).toBe(gateway);
	await t.serve(web.netnsPath, 81, "::");
	expect(await t.ask(t.outside, HOST6, 8080)).toBe(OUTSIDE6);
	// Round the bridge: to a neighbour, and to itself.
	expect(await t.ask(near.netnsPath, HOST6, 8080)).toBe(gateway);
	expect(await t.ask(web.netnsPath, HOST6, 8080)).toBe(gateway);
	expect(await t.ask(web.netnsPath, gateway, 8080)).toBe(gateway);
	expect(await t.ask(t.host, HOST6, 8080)).toBe(gateway);
	// Only what is published, and only of the family.
	expect(await t.ask(t.outside, own, 81)).toBe("");
	expect(await t.ask(t.outside, HOST, 8080)).toBe("");
	// Refused at once, and not left waiting: whoever tries ::1 first then tries 127.0.0.1.
	for (const transport of ["STREAM", "DGRAM"])
		expect(t.run(t.host, "python3", "-c", REFUSED, transport)).toBe("refused\n");
});

test("an address can be used at once: none is looked for a second time, in the sandbox or at the bridge", async () => {
	const [one, two] = [await sandbox("one"), await sandbox("two")];
	for (const each of [one, two]) {
		const own = await connect(each, "dual");
		const shown = t.run(each.netnsPath, "ip", "-6", "addr", "show", "dev", "eth0");
		expect(shown).toContain(own);
		expect(shown).not.toContain("tentative");
		await t.serve(each.netnsPath, 80, own);
		expect(await t.ask(t.host, own, 80)).toBe(own.replace(/[^:]+$/, "1"));
	}
	const bridge = t.it.netd.networks.get("dual").interface ?? "";
	expect(t.run(t.host, "ip", "-6", "addr", "show", "dev", bridge)).not.toContain("tentative");
});

/** A router advertisement for everybody: a default route, and a prefix to make addresses from. */
const ADVERTISE = `
import socket, struct, sys
name = sys.argv[1]
raw = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
prefix = struct.pack(">BBBBIII", 3, 4, 64, 0xc0, 3600, 3600, 0) + socket.inet_pton(socket.AF_INET6, "2001:db8:bad::")
raw.sendto(struct.pack(">BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0) + prefix, ("ff02::1", 0, 0, socket.if_nametoindex(name)))
`;

test("what a neighbour advertises as a router changes nothing; the advertisement is one", async () => {
	const [rogue, web] = [await sandbox("rogue"), await sandbox("web")];
	await connect(rogue, "dual");
	await connect(web, "dual");
	const bridge = t.it.netd.networks.get("dual").interface ?? "";
	const advertise = (): string => t.run(rogue.netnsPath, "python3", "-c", ADVERTISE, "eth0");
	const all = (netns: string): string =>
		t.run(netns, "ip", "-6", "route", "show", "table", "all") + t.run(netns, "ip", "-6", "-br", "addr");
	// An address that is still tentative has no route yet.
	await expect.poll(() => t.run(t.host, "ip", "-6", "addr", "show", "tentative"), { timeout: 10_000 }).toBe("");
	const before = [all(web.netnsPath), all(t.host)];
	advertise();
	expect([all(web.netnsPath), all(t.host)]).toEqual(before);
	t.run(web.netnsPath, "sysctl", "-qw", "net.ipv6.conf.eth0.accept_ra=1", "net.ipv6.conf.eth0.autoconf=1");
	t.run(t.host, "sysctl", "-qw", `net.ipv6.conf.${bridge}.accept_ra=2`);
	advertise();
	await expect.poll(() => all(web.netnsPath)).toContain("2001:db8:bad:");
	await expect.poll(() => all(t.host)).toContain("2001:db8:bad:");
});

test("a network without IPv6 has none in its sandboxes, also beside one that has", async () => {
	const web = await sandbox("web");
	const inside = (...args: string[]): string => t.run(web.netnsPath, "ip", "-6", ...args);
	await connect(web, "plain");
	expect(inside("addr", "show", "dev", "eth0")).toBe("");
	const { items } = t.it.netd.endpoints.list({ network: "plain", sandboxId: web.id }, { after: 0, limit: 1 });
	const own = await connect(web, "dual");
	expect(inside("addr", "show", "dev", "eth0")).toBe("");
	expect(inside("addr", "show", "dev", "eth1")).toContain(own);
	expect(inside("route", "show", "default")).toContain("dev eth1");
	const dual = t.it.netd.endpoints.list({ network: "dual", sandboxId: web.id }, { after: 0, limit: 1 }).items[0];
	await t.it.netd.endpoints.disconnect(dual?.endpoint.id ?? "", call());
	expect(inside("-br", "addr", "show", "scope", "global")).toBe("");
	expect(inside("addr", "show", "dev", "eth0")).toBe("");
	expect(inside("route", "show", "default")).toBe("");
	// One that is let go of takes nothing of the other's along.
	await connect(web, "dual");
	await t.it.netd.endpoints.disconnect(items[0]?.endpoint.id ?? "", call());
	expect(inside("route", "show", "default")).toContain("dev eth1");
	const plain = t.it.netd.networks.get("plain").interface ?? "";
	expect(t.run(t.host, "ip", "-6", "addr", "show", "dev", plain)).toBe("");
});
