/** Containers as stations on the segment of one of the host's interfaces: they meet each other and who is beyond it, by name and address. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Child } from "#lib/exec/run.ts";
import { audit } from "../support/audit/audit.ts";
import { eventually } from "../support/eventually.ts";
import { Host } from "../support/host.ts";
import { kill, settled } from "../support/services.ts";
import { takeDown } from "../support/take-down.ts";
import { webServer } from "../support/web.ts";

/** The segment's router, beyond `eth1`. */
const ROUTER = "10.77.0.1";
const WEB = "10.77.0.7";

let host: Host;
let beyond: Child;

beforeAll(async () => {
	host = await Host.boot();
	const ip = (...args: string[]): Promise<string> => host.ok("ip", args);
	await ip("link", "add", "eth1", "type", "veth", "peer", "name", "port1", "netns", "outside");
	await ip("link", "set", "eth1", "up");
	await ip("-n", "outside", "link", "add", "segment", "up", "type", "bridge");
	await ip("-n", "outside", "address", "add", `${ROUTER}/24`, "dev", "segment");
	await ip("-n", "outside", "link", "set", "port1", "up", "master", "segment");
	const [file = "", ...args] = webServer(80, "$client");
	beyond = host.start(file, args, { netns: "outside" });
	await host.wharfOk("up");
	const lan = ["--subnet", "10.77.0.0/24", "--gateway", ROUTER, "-o", "parent=eth1", "lan"];
	await host.wharfOk("network", "create", "-d", "macvlan", ...lan);
});

afterAll(async () => {
	beyond.kill("SIGKILL");
	await beyond.done;
	await takeDown(host);
});

const curl = (url: string): Promise<string> =>
	host.wharfOk("run", "--rm", "--network", "lan", "host", "curl", "-s", "--max-time", "5", url);

test("a container is reached by its name and from beyond the parent, and goes out by the segment's router", async () => {
	const web = ["--name", "web", "--network", "lan", "--ip", WEB, "host"];
	await host.wharfOk("run", "-d", ...web, ...webServer(80, "$client"));
	await eventually(async () => expect(await host.fetch(`http://${WEB}/`, { netns: "outside" })).toBe(ROUTER));
	expect(await curl("http://web/")).toMatch(/^10\.77\.0\.\d+$/);
	expect(await curl(`http://${ROUTER}/`)).toMatch(/^10\.77\.0\.\d+$/);
	// An address of the outside's that is not on the segment.
	expect(await curl("http://198.51.100.2/")).toMatch(/^10\.77\.0\.\d+$/);
	expect(await audit(host)).toEqual([]);
});

test("a running container comes and goes", async () => {
	await host.wharfOk("run", "-d", "--name", "guest", "host", "sleep", "1000");
	await host.wharfOk("network", "connect", "lan", "guest");
	const fetched = await host.wharfOk("exec", "guest", "curl", "-s", "--max-time", "5", "http://web/");
	expect(fetched).toMatch(/^10\.77\.0\.\d+$/);
	expect(await audit(host)).toEqual([]);
	await host.wharfOk("network", "disconnect", "lan", "guest");
	expect(await host.wharfOk("exec", "guest", "ls", "/sys/class/net")).not.toContain("eth1");
	await host.wharfOk("rm", "-f", "guest");
	expect(await audit(host)).toEqual([]);
});

test("with a link of its own there the host reaches a container, and the link goes with the network", async () => {
	const shim = ["-o", "parent=eth1", "-o", "wharf.macvlan.host_shim=10.78.0.2"];
	await host.wharfOk("network", "create", "-d", "macvlan", "--subnet", "10.78.0.0/24", ...shim, "near");
	const guest = ["--name", "near", "--network", "near", "--ip", "10.78.0.9", "host"];
	await host.wharfOk("run", "-d", ...guest, ...webServer(80, "$client"));
	await eventually(async () => expect(await host.fetch("http://10.78.0.9/")).toBe("10.78.0.2"));
	expect(await audit(host)).toEqual([]);
	await host.wharfOk("rm", "-f", "near");
	await host.wharfOk("network", "rm", "near");
	expect(await audit(host)).toEqual([]);
});

test("netd's end is nothing to the traffic, and its next process finds all as it is", async () => {
	await kill(host, "netd");
	expect(await host.fetch(`http://${WEB}/`, { netns: "outside" })).toBe(ROUTER);
	await settled(host);
	await eventually(async () => expect(await audit(host)).toEqual([]), 20_000);
	expect(await curl("http://web/")).toMatch(/^10\.77\.0\.\d+$/);
});

test.each([
	[["run", "--rm", "-p", "8080:80", "--network", "lan", "host", "true"], 125, "Nothing can be published on lan"],
	[["network", "create", "-d", "macvlan", "-o", "parent=eth7", "x"], 1, "The host has no interface eth7"],
	[["network", "create", "-d", "macvlan", "-o", "parnt=eth1", "x"], 1, "did you mean parent?"],
	[
		["network", "create", "-d", "macvlan", "-o", "parent=eth1", "-o", "macvlan_mode=passthru", "x"],
		1,
		"in use by the network lan",
	],
	[
		["network", "create", "-d", "macvlan", "-o", "parent=eth1", "-o", "macvlan_mode=source", "x"],
		1,
		"allowed is bridge",
	],
])("%s is refused with exit status %i, and nothing is left", async (args, status, sentence) => {
	const { exitCode, stderr } = await host.wharf(args);
	expect([exitCode, stderr]).toEqual([status, expect.stringContaining(sentence)]);
	expect(await host.wharfOk("network", "ls")).not.toMatch(/ x /);
	expect(await audit(host)).toEqual([]);
});

test("a configuration is made once for networks of any name; it is shown, takes no container, and goes last", async () => {
	const config = ["--config-only", "--subnet", "10.79.0.0/24", "--gateway", "10.79.0.1", "-o", "parent=eth1"];
	await host.wharfOk("network", "create", ...config, "segment");
	await host.wharfOk("network", "create", "-d", "macvlan", "--config-from", "segment", "guests");
	const inspect = async (name: string) =>
		(JSON.parse(await host.wharfOk("network", "inspect", name)) as Record<string, unknown>[])[0];
	const said = { IPAM: { Config: [{ Subnet: "10.79.0.0/24", Gateway: "10.79.0.1" }] }, Options: { parent: "eth1" } };
	expect(await inspect("segment")).toMatchObject({ ...said, ConfigOnly: true, Driver: "null" });
	const from = { ConfigFrom: { Network: "segment" }, ConfigOnly: false, Driver: "macvlan" };
	expect(await inspect("guests")).toMatchObject({ ...said, ...from });
	expect(await host.wharfOk("network", "ls")).toMatch(/ segment +null +local/);
	const refused = async (...args: string[]): Promise<string> => (await host.wharf(args)).stderr;
	expect(await refused("run", "--rm", "--network", "segment", "host", "true")).toContain("it is a configuration only");
	expect(await refused("network", "rm", "segment")).toContain("in use by the networks guests");
	expect(await refused("network", "create", "--config-from", "segment", "--ipv6", "x")).toContain("of its own");
	expect(await refused("network", "create", "--config-only", "--internal", "x")).toContain("cannot be internal");
	expect(await host.wharfOk("run", "--rm", "--network", "guests", "host", "ip", "-o", "-4", "addr")).toContain(
		"10.79.0.",
	);
	expect(await audit(host)).toEqual([]);
	await host.wharfOk("network", "rm", "guests", "segment");
	expect(await audit(host)).toEqual([]);
});
