import { expect, test } from "vitest";
import { Ip } from "#lib/address/ip.ts";
import { IpRange } from "#lib/address/ip-range.ts";
import { ChangesError } from "#lib/store/store.ts";
import { Scratch, keepNothing, leaseRequest, subnetRequest } from "./test-support/ipam.ts";

const FIRST_PAGE = { after: 0, limit: 100 };

test("automatic subnets go round what is allocated and what is the host's, and are the same after a restart", async () => {
	await using scratch = new Scratch(["10.1.0.0/22", 24]);
	scratch.host.routes = ["0.0.0.0/0", "10.1.1.0/24"];
	scratch.host.nameservers = ["10.1.2.53"];
	const { subnets } = await scratch.open();
	const a = await subnets.allocate(subnetRequest("a"), keepNothing);
	const b = await subnets.allocate(subnetRequest("b"), keepNothing);
	expect([a, b].map(({ subnet, warnings }) => [`${subnet.cidr}`, `${subnet.gateway}`, warnings])).toEqual([
		["10.1.0.0/24", "10.1.0.1", []],
		["10.1.3.0/24", "10.1.3.1", []],
	]);
	expect(a.subnet.id).toMatch(/^[0-9a-f]{64}$/);
	await expect(subnets.allocate(subnetRequest("c"), keepNothing)).rejects.toMatchObject({
		reason: "POOLS_EXHAUSTED",
		message:
			"No pool has an IPv4 subnet left. Tried: 10.1.0.0/22 in /24. Allocated: 2 (netd 2). Taken by this host's own routes, " +
			"addresses and nameservers: the nameserver 10.1.2.53, this host's route 10.1.1.0/24 (eth0).",
	});

	await scratch.close();
	const { subnets: again } = await scratch.open();
	expect(again.list({}, FIRST_PAGE).items).toEqual([a.subnet, b.subnet]);
	expect(again.get(b.subnet.id)).toEqual(b.subnet);
	scratch.host.nameservers = [];
	const { subnet } = await again.allocate(subnetRequest("c"), keepNothing);
	expect(`${subnet.cidr}`).toBe("10.1.2.0/24");
});

test("fifty at once get fifty", async () => {
	await using scratch = new Scratch(["10.1.0.0/16", 24]);
	const { subnets } = await scratch.open();
	const all = await Promise.all(
		Array.from({ length: 50 }, (_, index) => subnets.allocate(subnetRequest(`n${index}`), keepNothing)),
	);
	expect(new Set(all.map(({ subnet }) => `${subnet.cidr}`)).size).toBe(50);
});

test("a requested subnet: another's is refused by name, the host's is a warning", async () => {
	await using scratch = new Scratch(["10.1.0.0/16", 24]);
	scratch.host.addresses = ["192.168.7.9/24"];
	scratch.host.routes = ["0.0.0.0/1", "128.0.0.0/1", "192.168.7.0/24"];
	const { subnets } = await scratch.open();
	const { subnet, warnings } = await subnets.allocate(
		subnetRequest("a", "192.168.0.0/20", {
			range: IpRange.parse("192.168.2.0/24"),
			gateway: Ip.parse("192.168.0.9"),
			auxiliary: new Map([["printer", Ip.parse("192.168.2.7")]]),
		}),
		keepNothing,
	);
	expect(warnings).toEqual([
		"192.168.0.0/20 overlaps the address 192.168.7.9/24 of this host (eth0): what is reached through that may become unreachable.",
	]);
	await expect(subnets.allocate(subnetRequest("b", "192.168.15.0/24"), keepNothing)).rejects.toMatchObject({
		reason: "SUBNET_OVERLAPS",
		field: "cidr",
		message: "192.168.15.0/24 overlaps 192.168.0.0/20, which netd holds for a.",
	});
	await scratch.close();
	expect((await scratch.open()).subnets.get(subnet.id)).toEqual(subnet);
});

test("an automatic subnet inside a wider route says so", async () => {
	await using scratch = new Scratch(["10.1.0.0/16", 24]);
	scratch.host.routes = ["10.0.0.0/8"];
	const { subnets } = await scratch.open();
	const { warnings } = await subnets.allocate(subnetRequest("a"), keepNothing);
	expect(warnings).toEqual([
		"10.1.0.0/24 lies inside this host's route 10.0.0.0/8 (eth0); no other pool has a free subnet.",
	]);
});

test("what is refused has changed nothing", async () => {
	await using scratch = new Scratch(["10.1.0.0/24", 24]);
	const { store, subnets } = await scratch.open();
	const gateway = Ip.parse("10.9.0.1");
	for (const [request, reason] of [
		[subnetRequest("a", "127.0.0.0/8"), "SUBNET_UNUSABLE"],
		[subnetRequest("a", "10.0.0.0/7"), "SUBNET_TOO_LARGE"],
		[subnetRequest("a", "10.2.0.0/32"), "SUBNET_TOO_SMALL"],
		[subnetRequest("a", "10.2.0.0/24", { gateway }), "OUTSIDE_SUBNET"],
		[subnetRequest("a", undefined, { gateway }), "SUBNET_REQUIRED"],
		[subnetRequest("a", undefined, { wish: { kind: "any", family: 6, prefix: undefined } }), "POOLS_EXHAUSTED"],
		[subnetRequest("a", undefined, { wish: { kind: "any", family: 4, prefix: 4 } }), "SUBNET_TOO_LARGE"],
		[subnetRequest("a", undefined, { wish: { kind: "any", family: 4, prefix: 32 } }), "SUBNET_TOO_SMALL"],
	] as const) {
		await expect(subnets.allocate(request, keepNothing)).rejects.toMatchObject({ reason });
	}
	expect(subnets.list({}, FIRST_PAGE).items).toEqual([]);
	expect(store.outbox.after(0, 10)).toEqual([]);
	expect((await subnets.allocate(subnetRequest("a"), keepNothing)).subnet.cidr.toString()).toBe("10.1.0.0/24");
});

test("a subnet whose storing failed is free again", async () => {
	await using scratch = new Scratch(["10.1.0.0/24", 24]);
	const { store, subnets } = await scratch.open();
	const refused = () => [{ sql: "DELETE FROM subnet WHERE row = -1", changes: 1 }];
	await expect(subnets.allocate(subnetRequest("a"), refused)).rejects.toThrow(ChangesError);
	expect(store.outbox.after(0, 10)).toEqual([]);
	const { subnet } = await subnets.allocate(subnetRequest("b"), keepNothing);
	await expect(subnets.release({ id: subnet.id, holder: "netd" }, refused)).rejects.toThrow(ChangesError);
	expect(subnets.get(subnet.id)).toEqual(subnet);
});

test("a release is refused while addresses are leased, and to others; then it is done once", async () => {
	await using scratch = new Scratch(["10.1.0.0/24", 24]);
	const { store, subnets, leases } = await scratch.open();
	const { subnet } = await subnets.allocate(subnetRequest("a"), keepNothing);
	const { id } = subnet;
	for (const owner of ["e1", "e2", "e3", "e4"]) await leases.allocate(leaseRequest(id, owner), keepNothing);
	const release = () => subnets.release({ id, holder: "netd" }, keepNothing);
	await expect(subnets.release({ id, holder: "other" }, keepNothing)).rejects.toMatchObject({
		reason: "NOT_THE_HOLDER",
		message: "10.1.0.0/24 is held by netd; other cannot release it.",
	});
	await expect(release()).rejects.toMatchObject({
		reason: "SUBNET_IN_USE",
		message:
			"10.1.0.0/24 cannot be released: 4 of its addresses are leased " +
			"(10.1.0.2 by netd for e1, 10.1.0.3 by netd for e2, 10.1.0.4 by netd for e3, 1 more).",
	});
	for (const owner of ["e1", "e2", "e3", "e4"]) {
		await leases.release({ subnetId: id, holder: "netd", owner }, keepNothing);
	}
	const results = await Promise.all([release(), release()]);
	expect(results.sort()).toEqual([false, true]);
	expect(() => subnets.get(id)).toThrow(`There is no subnet ${id}.`);
	await expect(leases.allocate(leaseRequest(id, "late"), keepNothing)).rejects.toMatchObject({
		reason: "SUBNET_NOT_FOUND",
	});
	expect(store.all("SELECT * FROM resting")).toEqual([]);
	expect(`${(await subnets.allocate(subnetRequest("b"), keepNothing)).subnet.cidr}`).toBe("10.1.0.0/24");
});

test("a lease that is being stored keeps its subnet", async () => {
	await using scratch = new Scratch(["10.1.0.0/24", 24]);
	const { subnets, leases } = await scratch.open();
	const { subnet } = await subnets.allocate(subnetRequest("a"), keepNothing);
	const leasing = leases.allocate(leaseRequest(subnet.id, "e"), keepNothing);
	await expect(subnets.release({ id: subnet.id, holder: "netd" }, keepNothing)).rejects.toMatchObject({
		reason: "SUBNET_IN_USE",
	});
	expect(`${(await leasing)[0]?.address}`).toBe("10.1.0.2");
});

test("lists are filtered and come in pages, oldest first", async () => {
	await using scratch = new Scratch(["10.1.0.0/16", 24]);
	const { subnets } = await scratch.open();
	for (const owner of ["a", "b", "c", "a"]) await subnets.allocate(subnetRequest(owner), keepNothing);
	await subnets.allocate(subnetRequest("a", undefined, { holder: "other" }), keepNothing);
	const owners = (filter: { holder?: string; owner?: string }) =>
		subnets.list(filter, FIRST_PAGE).items.map(({ holder, owner, cidr }) => `${holder} ${owner} ${cidr}`);
	expect(owners({ owner: "a" })).toEqual(["netd a 10.1.0.0/24", "netd a 10.1.3.0/24", "other a 10.1.4.0/24"]);
	expect(owners({ holder: "other" })).toEqual(["other a 10.1.4.0/24"]);
	const first = subnets.list({ holder: "netd" }, { after: 0, limit: 3 });
	expect([first.items.length, first.next]).toEqual([3, 3]);
	const second = subnets.list({ holder: "netd" }, { after: first.next ?? 0, limit: 3 });
	expect([second.items.map(({ cidr }) => `${cidr}`), second.next]).toEqual([["10.1.3.0/24"], undefined]);
});
