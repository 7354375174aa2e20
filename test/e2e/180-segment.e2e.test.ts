/** Networks that are reached at their containers' own addresses: on the segment of the host's interface by a bridge, and routed. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { audit } from "../support/audit/audit.ts";
import { eventually } from "../support/eventually.ts";
import { leftovers } from "../support/audit/leftovers.ts";
import { Host } from "../support/host.ts";
import { kill, settled } from "../support/services.ts";
import { webServer } from "../support/web.ts";

/** The segment's router, beyond `eth1`, and the host's own address there. */
const ROUTER = "10.77.0.1";
const OWN = "10.77.0.5";
const WEB = "10.77.0.7";
const LAN = ["network", "create", "--subnet", "10.77.0.0/24", "--gateway", ROUTER, "-o", "wharf.bridge.uplink=eth1"];

let host: Host;

beforeAll(async () => {
	host = await Host.boot();
	const ip = (...args: string[]): Promise<string> => host.ok("ip", args);
	await ip("link", "add", "eth1", "type", "veth", "peer", "name", "port1", "netns", "outside");
	await ip("link", "set", "eth1", "up");
	await ip("address", "add", `${OWN}/24`, "dev", "eth1");
	await ip("-n", "outside", "link", "add", "segment", "up", "type", "bridge");
	await ip("-n", "outside", "address", "add", `${ROUTER}/24`, "dev", "segment");
	await ip("-n", "outside", "link", "set", "port1", "up", "master", "segment");
	await host.wharfOk("up");
});

afterAll(() => host[Symbol.asyncDispose]());

const addresses = (name: string): Promise<string> => host.ok("ip", ["-4", "-br", "address", "show", "dev", name]);

test("an interface that carries the host's addresses is taken only when that is said", async () => {
	const { exitCode, stderr } = await host.wharf([...LAN, "lan"]);
	expect([exitCode, stderr]).toEqual([1, expect.stringContaining("-o wharf.bridge.uplink_move=true")]);
	expect(await addresses("eth1")).toContain(OWN);
	await host.wharfOk(...LAN, "-o", "wharf.bridge.uplink_move=true", "-o", "com.docker.network.bridge.name=seg0", "lan");
	expect(await addresses("seg0")).toContain(OWN);
	expect(await audit(host)).toEqual([]);
});

test("containers are on the segment, and the host still is; netd's end changes nothing of it", async () => {
	const web = ["--name", "web", "--network", "lan", "--ip", WEB, "host"];
	await host.wharfOk("run", "-d", ...web, ...webServer(80, "$client"));
	const seen = async (): Promise<void> => {
		await eventually(async () => expect(await host.fetch(`http://${WEB}/`, { netns: "outside" })).toBe(ROUTER));
		expect(await host.fetch(`http://${WEB}/`)).toBe(OWN);
	};
	await seen();
	await kill(host, "netd");
	await seen();
	await settled(host);
	await eventually(async () => expect(await audit(host)).toEqual([]), 20_000);
	const published = await host.wharf(["run", "--rm", "-p", "8080:80", "--network", "lan", "host", "true"]);
	expect([published.exitCode, published.stderr]).toEqual([125, expect.stringContaining("at their own addresses")]);
});

test("a published port of a routed network is the container's own", async () => {
	const mode = "com.docker.network.bridge.gateway_mode_ipv4=routed";
	await host.wharfOk("network", "create", "--subnet", "10.88.0.0/24", "-o", mode, "routed");
	await host.ok("ip", ["-n", "outside", "route", "add", "10.88.0.0/24", "via", OWN]);
	const run = ["run", "-d", "--name", "open", "--network", "routed", "--ip", "10.88.0.9", "-p", "8080:80", "host"];
	await host.wharfOk(...run, ...webServer(80, "$client"));
	await eventually(async () => expect(await host.fetch("http://10.88.0.9/", { netns: "outside" })).toBe(ROUTER));
	expect(await host.wharfOk("ps")).toMatch(/ 80\/tcp /);
	expect(await host.wharfOk("port", "open")).toBe("80/tcp -> the container's own address");
	expect(await audit(host)).toEqual([]);
});

test("down --all gives back what was the host's", async () => {
	await host.wharfOk("down", "--all", "--volumes");
	expect(await leftovers(host)).toEqual([]);
	expect(await addresses("eth1")).toContain(`${OWN}/24`);
	expect(await host.ok("ip", ["route", "show", "dev", "eth1"])).toContain("10.77.0.0/24");
	expect(await host.ok("ip", ["-br", "link"])).not.toContain("seg0");
});
