/** The settings of the default network, each by its effect, looked up by ip and by packets. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { IpInterface } from "#lib/address/cidr.ts";
import { parseIfName } from "#lib/address/if-name.ts";
import { Ip } from "#lib/address/ip.ts";
import { ipJson } from "#lib/linux/test-support/scratch-netns.ts";
import type { Sandbox } from "./sandbox.ts";
import { type BenchSettings, call, connectSpec, sandboxSpec, tcp } from "./test-support/netd.ts";
import { HOST, OUTSIDE, showBridged, type Town, town } from "./test-support/town.ts";

let t: Town;
beforeEach(async () => {
	t = await town();
});
afterEach(() => t[Symbol.asyncDispose]());

const start = (settings: NonNullable<BenchSettings["settings"]>, bridge = "wharf0"): Promise<void> =>
	t.it.restart({ bridge: parseIfName(bridge), settings });

async function container(name: string, ...ports: ReturnType<typeof tcp>[]) {
	const sandbox: Sandbox = await t.it.netd.sandboxes.create(sandboxSpec(name), call());
	const { view } = await t.it.netd.endpoints.connect(connectSpec("bridge", sandbox, { ports }), call());
	const addresses = view.endpoint.addresses.map(({ ip }) => ip.toString());
	return { netns: sandbox.netnsPath, address: addresses[0] ?? "", addresses };
}

interface Shown {
	readonly mtu: number;
	readonly addr_info: readonly { readonly local: string; readonly prefixlen: number; readonly scope: string }[];
}

/** By ip(8). */
function shown(netns: string, name: string): { mtu: number; addresses: string[] } {
	const [link] = ipJson(netns, "addr", "show", "dev", name) as Shown[];
	const global = link?.addr_info.filter(({ scope }) => scope === "global") ?? [];
	return { mtu: link?.mtu ?? 0, addresses: global.map(({ local, prefixlen }) => `${local}/${prefixlen}`) };
}

/** True when an echo comes back. */
function reaches(netns: string, address: string): boolean {
	try {
		t.run(netns, "ping", "-c1", "-W1", address);
		return true;
	} catch {
		return false;
	}
}

test("name, bip, router, MTU and IPv6 are what the bridge and its containers have", async () => {
	const settings = {
		bip: IpInterface.parse("10.9.0.5/24"),
		defaultGateway: Ip.parse("10.9.0.9"),
		bip6: IpInterface.parse("fd00:9::5/64"),
		mtu: 1400,
	};
	await start(settings, "br9");
	expect(shown(t.host, "br9")).toEqual({ mtu: 1400, addresses: ["10.9.0.5/24", "fd00:9::5/64"] });
	expect(t.run(t.host, "ip", "-o", "link")).not.toContain("wharf0");
	const { netns, addresses } = await container("alice");
	expect(shown(netns, "eth0")).toEqual({ mtu: 1400, addresses: [`${addresses[0]}/24`, `${addresses[1]}/64`] });
	expect(t.run(netns, "ip", "route", "show", "default")).toContain("via 10.9.0.9");
	expect(reaches(netns, "10.9.0.5")).toBe(true);
	expect(reaches(netns, "fd00:9::5")).toBe(true);
	expect(await t.it.netd.reconcile.run()).toBe(0);
});

test.each([true, false])("icc off keeps containers apart; bridged frames shown to the rules: %s", async (isShown) => {
	showBridged(t.host, isShown);
	await start({ icc: false });
	const [one, two] = [await container("one"), await container("two")];
	expect(reaches(one.netns, two.address)).toBe(false);
	expect(reaches(one.netns, OUTSIDE)).toBe(true);
});

test("masquerading is off, and on again, while containers are on the network", async () => {
	const { netns, address } = await container("alice");
	await t.serve(t.outside, 90);
	expect(await t.ask(netns, OUTSIDE, 90)).toBe(HOST);
	await start({ ipMasq: false });
	expect(await t.ask(netns, OUTSIDE, 90)).toBe(address);
	await start({});
	expect(await t.ask(netns, OUTSIDE, 90)).toBe(HOST);
});

test("the address that ports are published at without one is the setting's", async () => {
	await start({ ip: Ip.parse("127.0.0.1") });
	const { netns } = await container("web", tcp(8080, 80), tcp(8081, 80, "0.0.0.0"));
	await t.serve(netns, 80);
	expect(await t.ask(t.host, "127.0.0.1", 8080)).not.toBe("");
	expect(await t.ask(t.outside, HOST, 8080)).toBe("");
	expect(await t.ask(t.outside, HOST, 8081)).toBe(OUTSIDE);
});
