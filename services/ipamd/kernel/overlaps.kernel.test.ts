/** A VPN as wg-quick sets one up, without its device: addresses, a table of its own, rules that lead into it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { AllocateSubnetRequest, ListSubnetsRequest } from "#gen/wharf/ipam/v1/ipam.ts";
import { Cidr } from "#lib/address/cidr.ts";
import { run } from "#lib/exec/run.ts";
import { runIn, ScratchNetns } from "#lib/linux/test-support/scratch-netns.ts";
import { createLog } from "#lib/log/log.ts";
import { Store } from "#lib/store/store.ts";
import { type Ipamd, reconcile } from "../reconcile.ts";
import { MIGRATIONS } from "../schema.ts";
import { Daemon } from "../test-support/daemon.ts";
import { keepNothing, subnetRequest } from "../test-support/ipam.ts";
import { KernelHostNetwork } from "./host-network.ts";
import { watchHost } from "./host-news.ts";

let opened: AsyncDisposableStack;
let ip: (...args: string[]) => string;
let ipamd: Ipamd;
let store: Store;

beforeEach(async () => {
	opened = new AsyncDisposableStack();
	const folder = mkdtempSync(join(tmpdir(), "ipamd-overlaps-"));
	opened.defer(() => rmSync(folder, { recursive: true }));
	const netns = opened.use(new ScratchNetns()).create("host");
	ip = (...args) => runIn(netns, "ip", ...args);
	store = opened.use(await Store.open({ path: join(folder, "ipamd.db"), migrations: MIGRATIONS }));
	const host = opened.use(new KernelHostNetwork({ netns, resolvers: [] }));
	const pools = [{ base: Cidr.parse("10.66.0.0/16"), prefix: 24 }];
	const log = createLog({ service: "ipamd", level: "silent" });
	ipamd = await reconcile({ store, pools, host, restMs: 0, now: Date.now }, log);
	opened.use(ipamd.overlaps);
	opened.use(watchHost({ log, netns, changed: () => ipamd.overlaps.soon() }));
	for (const [name, peer] of [
		["eth0", "lan"],
		["wg0", "far"],
	] as const) {
		ip("link", "add", name, "type", "veth", "peer", "name", peer);
		for (const one of [name, peer]) ip("link", "set", one, "up");
	}
	ip("addr", "add", "192.0.2.7/24", "dev", "eth0");
	ip("route", "add", "default", "via", "192.0.2.1");
});
afterEach(() => opened[Symbol.asyncDispose]());

const VPN_TABLE = "51820";

function vpnUp(...networks: string[]): void {
	ip("addr", "add", "10.66.200.2/32", "dev", "wg0");
	ip("rule", "add", "not", "fwmark", VPN_TABLE, "table", VPN_TABLE);
	ip("rule", "add", "table", "main", "suppress_prefixlength", "0");
	ip("route", "add", "default", "dev", "wg0", "table", VPN_TABLE);
	for (const network of networks) ip("route", "add", network, "dev", "wg0", "table", VPN_TABLE);
}

async function allocated(owner: string): Promise<string> {
	return (await ipamd.subnets.allocate(subnetRequest(owner), keepNothing)).subnet.cidr.toString();
}

/** As a bridge's network has it on the host. */
function bridge(name: string, address: string): void {
	ip("link", "add", name, "type", "bridge");
	ip("addr", "add", address, "dev", name);
	ip("link", "set", name, "up");
}

const facts = () => store.outbox.after(0, 100).map(({ subject }) => subject.replace("wharf.v1.subnet.", ""));
const overlaps = () =>
	ipamd.subnets
		.list({}, { after: 0, limit: 10 })
		.items.map((subnet) => [`${subnet.cidr}`, ...subnet.overlaps.map(({ what }) => what)]);

test("what a policy-routed VPN has is left out of every choice", async () => {
	vpnUp("10.66.0.0/23", "10.66.3.0/24");
	expect([await allocated("n1"), await allocated("n2")]).toEqual(["10.66.2.0/24", "10.66.4.0/24"]);
});

test("a VPN that comes up over a subnet in use is told within seconds, and so is its end; the subnet's own bridge is not", async () => {
	expect([await allocated("n1"), await allocated("n2")]).toEqual(["10.66.0.0/24", "10.66.1.0/24"]);
	bridge("br1", "10.66.0.1/24");
	bridge("br2", "10.66.1.1/24");
	vpnUp("10.66.0.0/25");
	await vi.waitFor(() => expect(facts()).toEqual(["allocated", "allocated", "overlapped"]), { timeout: 10_000 });
	expect(overlaps()).toEqual([["10.66.0.0/24", "this host's route 10.66.0.0/25 (wg0)"], ["10.66.1.0/24"]]);
	ip("link", "del", "wg0");
	await vi.waitFor(() => expect(facts().slice(3)).toEqual(["cleared"]), { timeout: 10_000 });
	expect(overlaps()).toEqual([["10.66.0.0/24"], ["10.66.1.0/24"]]);
	// Its networks are free for the next choice; the bridges' routes keep theirs.
	expect(await allocated("n3")).toBe("10.66.2.0/24");
});

test("the same of IPv6, and of an address instead of a route", async () => {
	const wish = { kind: "this", cidr: Cidr.parse("fd66::/64") } as const;
	await ipamd.subnets.allocate({ ...subnetRequest("n1"), wish }, keepNothing);
	ip("addr", "add", "fd66::9/80", "dev", "wg0", "nodad");
	await vi.waitFor(() => expect(facts()).toEqual(["allocated", "overlapped"]), { timeout: 10_000 });
	expect(overlaps()).toEqual([["fd66::/64", "the address fd66::9/80 of this host (wg0)"]]);
});

test("killed behind the write that notes it, ipamd has told it once and knows of it", { timeout: 60_000 }, async () => {
	const daemon = opened.use(new Daemon({ WHARF_IPAMD_ADDRESS_POOLS: "198.18.0.0/23:24" }));
	await daemon.start({ WHARF_KILL_POINT: "store.ipamd.overlaps" });
	{
		using client = daemon.connect();
		await client.allocateSubnet(AllocateSubnetRequest.fromPartial({ requestId: "n1", holder: "netd", owner: "n1" }));
	}
	// In this process's namespace, which is the daemon's.
	await run("ip", ["route", "add", "198.18.0.0/25", "dev", "lo"]);
	opened.defer(async () => void (await run("ip", ["route", "del", "198.18.0.0/25", "dev", "lo"])));
	expect(await daemon.ended()).toMatchObject({ signal: "SIGKILL" });
	await daemon.start();
	{
		using client = daemon.connect();
		const { subnets } = await client.listSubnets(ListSubnetsRequest.fromPartial({}));
		expect(subnets[0]?.overlaps.map(({ what }) => what)).toEqual(["this host's route 198.18.0.0/25 (lo)"]);
	}
	await daemon.end("SIGTERM");
	await using file = await Store.open({ path: daemon.paths.state("ipamd"), migrations: MIGRATIONS });
	const subjects = file.outbox.after(0, 100).map(({ subject }) => subject);
	expect(subjects).toEqual(["wharf.v1.subnet.allocated", "wharf.v1.subnet.overlapped"]);
});
