import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { runIn, ScratchNetns } from "#lib/linux/test-support/scratch-netns.ts";
import { obstaclesOf } from "../host-network.ts";
import { KernelHostNetwork } from "./host-network.ts";

const left: (() => void)[] = [];
afterEach(() => {
	for (const remove of left.splice(0)) remove();
});

function host(resolvConf: string) {
	const scratch = new ScratchNetns();
	left.push(() => scratch[Symbol.dispose]());
	const netns = scratch.create("host");
	const directory = mkdtempSync(join(tmpdir(), "wharf-resolv-"));
	left.push(() => rmSync(directory, { recursive: true }));
	const resolver = join(directory, "resolv.conf");
	writeFileSync(resolver, resolvConf);
	const ip = (...args: string[]) => runIn(netns, "ip", ...args);
	const network = new KernelHostNetwork({ netns, resolvers: [resolver, join(directory, "absent")] });
	left.unshift(() => network[Symbol.dispose]());
	return { ip, network };
}

test("routes of every table, addresses and nameservers are seen, as what they are", async () => {
	const { ip, network } = host(
		"# a comment\nsearch example\nnameserver 10.77.0.53\nnameserver fe80::1%eth0\nnameserver\tfd77::53\n nameserver 9.9.9.9\nnameserver x\n",
	);
	ip("link", "add", "tun0", "type", "veth", "peer", "name", "far");
	ip("link", "set", "far", "up");
	ip("link", "set", "tun0", "up");
	ip("addr", "add", "10.20.30.40/24", "dev", "tun0");
	ip("addr", "add", "fd20::5/64", "dev", "tun0", "nodad");
	ip("route", "add", "10.8.0.0/16", "via", "10.20.30.1");
	ip("route", "add", "10.9.0.0/16", "via", "10.20.30.1", "table", "51820");
	ip("route", "add", "blackhole", "10.10.0.0/16");
	ip("route", "add", "local", "10.11.0.0/16", "dev", "lo", "table", "local");
	ip("-6", "route", "add", "fd30::/48", "via", "fd20::1", "table", "77");
	ip("route", "add", "default", "via", "10.20.30.1");

	const observed = await network.observe();
	const routes = observed.routes.map(({ destination, link }) => `${destination} ${link ?? ""}`);
	expect(routes).toEqual(
		expect.arrayContaining([
			"0.0.0.0/0 tun0",
			"10.20.30.0/24 tun0",
			"10.8.0.0/16 tun0",
			"10.9.0.0/16 tun0",
			"10.10.0.0/16 ",
			"10.11.0.0/16 lo",
			"fd20::/64 tun0",
			"fd30::/48 tun0",
		]),
	);
	expect(routes.filter((route) => /\/32|\/128|^ff/.test(route))).toEqual([]);
	expect(observed.addresses.map(({ address, link }) => `${address} ${link}`)).toEqual(
		expect.arrayContaining(["10.20.30.40/24 tun0", "fd20::5/64 tun0"]),
	);
	expect(observed.nameservers.map(String)).toEqual(["10.77.0.53", "fd77::53"]);

	const sentences = obstaclesOf(observed).map(({ what }) => what);
	expect(sentences).toEqual(
		expect.arrayContaining([
			"the nameserver 10.77.0.53",
			"the address 10.20.30.40/24 of this host (tun0)",
			"this host's route 10.8.0.0/16 (tun0)",
			"this host's route 10.10.0.0/16",
		]),
	);
	expect(sentences).not.toContain("this host's route 10.20.30.0/24 (tun0)");
});

test("it is looked at anew each time", async () => {
	const { ip, network } = host("");
	const before = await network.observe();
	ip("link", "add", "wg0", "type", "veth", "peer", "name", "far");
	ip("link", "set", "far", "up");
	ip("link", "set", "wg0", "up");
	ip("route", "add", "10.66.0.0/16", "dev", "wg0");
	const after = await network.observe();
	const has = (text: string, { routes }: typeof before) => routes.some(({ destination }) => `${destination}` === text);
	expect([has("10.66.0.0/16", before), has("10.66.0.0/16", after)]).toEqual([false, true]);
});
