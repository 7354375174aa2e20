import { describe, expect, test } from "vitest";
import { Event } from "#gen/wharf/event/v1/event.ts";
import { type Ipam, keepNothing, leaseRequest, Scratch, subnetRequest } from "./test-support/ipam.ts";

const POOL = ["10.1.0.0/16", 24] as const;
const VPN = "this host's route 10.1.0.0/20 (tun0)";

/** What was said of overlaps so far, in order. */
function told({ store }: Ipam): string[] {
	return store.outbox.after(0, 1_000).flatMap(({ payload }) => {
		const event = Event.decode(payload).payload;
		if (event?.$case !== "subnet" || event.value.overlap === "") return [];
		return [`${event.value.action} ${event.value.cidr}: ${event.value.overlap}`];
	});
}

function seen({ subnets }: Ipam, id: string): string[] {
	return subnets.get(id).overlaps.map(({ what }) => what);
}

describe("what comes up in the addresses of a subnet", () => {
	test("is a fact when it comes and when it goes, once each, and over a restart", async () => {
		await using scratch = new Scratch(POOL);
		let ipam = await scratch.open();
		const { subnet } = await ipam.subnets.allocate(subnetRequest("n1"), keepNothing);
		await ipam.overlaps.settle();
		expect(told(ipam)).toEqual([]);
		scratch.host.routes = ["10.1.0.0/20 tun0", "0.0.0.0/0", "192.168.0.0/24"];
		scratch.clock.ms += 5_000;
		await Promise.all([ipam.overlaps.settle(), ipam.overlaps.settle()]);
		expect(told(ipam)).toEqual([`ACTION_OVERLAPPED 10.1.0.0/24: ${VPN}`]);
		expect(seen(ipam, subnet.id)).toEqual([VPN]);
		await scratch.close();
		ipam = await scratch.open();
		await ipam.overlaps.settle();
		expect([told(ipam).length, seen(ipam, subnet.id)]).toEqual([1, [VPN]]);
		expect(ipam.subnets.get(subnet.id).overlaps[0]?.since.getTime()).toBe(scratch.clock.ms);
		scratch.host.routes = ["0.0.0.0/0"];
		await ipam.overlaps.settle();
		expect(told(ipam).at(-1)).toBe(`ACTION_CLEARED 10.1.0.0/24: ${VPN}`);
		expect(seen(ipam, subnet.id)).toEqual([]);
		expect(ipam.subnets.list({}, { after: 0, limit: 10 }).items[0]?.overlaps).toEqual([]);
	});

	test("is not the subnet's own: what is on the link with its gateway, or with an address that was leased", async () => {
		await using scratch = new Scratch(POOL);
		const ipam = await scratch.open();
		const { subnet: bridged } = await ipam.subnets.allocate(subnetRequest("n1"), keepNothing);
		const { subnet: shim } = await ipam.subnets.allocate(subnetRequest("n2"), keepNothing);
		await ipam.leases.allocate(leaseRequest(shim.id, "n2"), keepNothing);
		scratch.host.addresses = ["10.1.0.1/24 wharf0", "10.1.1.2/32 shim0"];
		scratch.host.routes = ["10.1.0.0/24 wharf0", "10.1.0.128/25 wharf0", "10.1.1.0/24 shim0"];
		scratch.host.nameservers = ["10.1.0.1"];
		await ipam.overlaps.settle();
		expect(told(ipam)).toEqual([]);
		scratch.host.addresses.push("10.1.1.9/24 eth1");
		scratch.host.routes.push("10.1.0.64/26 tun0", "10.1.1.0/24 eth1");
		scratch.host.nameservers = ["10.1.0.77"];
		await ipam.overlaps.settle();
		expect(seen(ipam, bridged.id).sort()).toEqual([
			"the nameserver 10.1.0.77",
			"this host's route 10.1.0.64/26 (tun0)",
		]);
		expect(seen(ipam, shim.id)).toEqual(["the address 10.1.1.9/24 of this host (eth1)"]);
	});

	test("and was there before is noted without a fact", async () => {
		await using scratch = new Scratch(POOL);
		const ipam = await scratch.open();
		scratch.host.routes = ["10.9.0.0/16 tun0"];
		const { subnet, warnings } = await ipam.subnets.allocate(subnetRequest("n1", "10.9.4.0/24"), keepNothing);
		expect(warnings).toHaveLength(1);
		await ipam.overlaps.settle();
		expect([seen(ipam, subnet.id), told(ipam)]).toEqual([["this host's route 10.9.0.0/16 (tun0)"], []]);
	});

	test("is told to who watches", async () => {
		await using scratch = new Scratch(POOL);
		const ipam = await scratch.open();
		await ipam.subnets.allocate(subnetRequest("n1"), keepNothing);
		const end = new AbortController();
		const changes = ipam.changes.watch({ holder: undefined, subnetId: undefined }, end.signal);
		for (let kind = ""; kind !== "synced"; ) kind = (await changes.next()).value?.kind ?? "synced";
		scratch.host.routes = ["10.1.0.0/20 tun0"];
		await ipam.overlaps.settle();
		expect((await changes.next()).value).toMatchObject({ kind: "subnet", subnet: { overlaps: [{ what: VPN }] } });
		end.abort();
	});
});
