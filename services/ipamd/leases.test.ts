import { describe, expect, test } from "vitest";
import { Ip } from "#lib/address/ip.ts";
import { IpRange } from "#lib/address/ip-range.ts";
import { parseMac } from "#lib/address/mac.ts";
import { ChangesError } from "#lib/store/store.ts";
import type { LeasesRequest } from "./leases.ts";
import { Scratch, type Ipam, keepNothing, leaseRequest, REST_MS, subnetRequest } from "./test-support/ipam.ts";

const FIRST_PAGE = { after: 0, limit: 100 };

async function subnetIn({ subnets }: Ipam, cidr: string, range?: string): Promise<string> {
	const more = range === undefined ? {} : { range: IpRange.parse(range) };
	return (await subnets.allocate(subnetRequest("network", cidr, more), keepNothing)).subnet.id;
}

async function take({ leases }: Ipam, subnetId: string, owner: string, address?: string): Promise<string> {
	const [lease] = await leases.allocate(leaseRequest(subnetId, owner, address), keepNothing);
	return `${lease?.address}`;
}

function give({ leases }: Ipam, subnetId: string, owner: string): Promise<boolean> {
	return leases.release({ subnetId, holder: "netd", owner }, keepNothing);
}

test("addresses are leased in order, each owner's own, and are there after a restart", async () => {
	await using scratch = new Scratch();
	let ipam = await scratch.open();
	const id = await subnetIn(ipam, "10.1.0.0/24");
	const mac = parseMac("02:42:0a:01:00:02");
	const [lease] = await ipam.leases.allocate({ ...leaseRequest(id, "e1"), mac, name: "web" }, keepNothing);
	expect([`${lease?.address}`, lease?.prefix, lease?.mac, lease?.name]).toEqual(["10.1.0.2", 24, mac, "web"]);
	expect([await take(ipam, id, "e2"), await take(ipam, id, "e1")]).toEqual(["10.1.0.3", "10.1.0.2"]);
	await scratch.close();
	ipam = await scratch.open();
	expect(ipam.leases.list({ owner: "e1" }, FIRST_PAGE).items).toEqual([lease]);
	expect([await take(ipam, id, "e1"), await take(ipam, id, "e3")]).toEqual(["10.1.0.2", "10.1.0.4"]);
});

test("a hundred at once get a hundred; one owner a hundred times gets one", async () => {
	await using scratch = new Scratch();
	const ipam = await scratch.open();
	const id = await subnetIn(ipam, "10.1.0.0/24");
	const many = await Promise.all(Array.from({ length: 100 }, (_, index) => take(ipam, id, `e${index}`)));
	expect(new Set(many).size).toBe(100);
	const same = await Promise.all(Array.from({ length: 100 }, () => take(ipam, id, "one")));
	expect(new Set(same).size).toBe(1);
	expect(ipam.leases.list({ subnetId: id }, { after: 0, limit: 1_000 }).items).toHaveLength(101);
});

test("an address in use is told by the name of who has it, and never by an id of 64 digits", async () => {
	await using scratch = new Scratch();
	const ipam = await scratch.open();
	const id = await subnetIn(ipam, "10.1.0.0/24");
	const owner = "0123456789ab".padEnd(64, "0");
	await ipam.leases.allocate({ ...leaseRequest(id, owner, "10.1.0.200"), name: "web" }, keepNothing);
	await take(ipam, id, `f${owner.slice(1)}`, "10.1.0.201");
	await expect(take(ipam, id, "e2", "10.1.0.200")).rejects.toMatchObject({
		message: "10.1.0.200 is in use by web.",
		help: "Choose another address, or none to get a free one; or take web off the network first.",
	});
	await expect(take(ipam, id, "e2", "10.1.0.201")).rejects.toMatchObject({
		message: "10.1.0.201 is in use by f123456789ab, for which netd holds it.",
		help: "Choose another address, or none to get a free one.",
	});
});

test("a requested address is refused with the reason, and nothing has changed", async () => {
	await using scratch = new Scratch();
	const ipam = await scratch.open();
	const id = await subnetIn(ipam, "10.1.0.0/24");
	expect(await take(ipam, id, "e1", "10.1.0.200")).toBe("10.1.0.200");
	for (const [owner, address, reason, message] of [
		["e2", "10.1.0.200", "ADDRESS_IN_USE", "10.1.0.200 is in use by e1, for which netd holds it."],
		["e2", "10.1.1.7", "OUTSIDE_SUBNET", "The address 10.1.1.7 is not inside 10.1.0.0/24."],
		["e2", "fd00::1", "OUTSIDE_SUBNET", "The address fd00::1 is not inside 10.1.0.0/24."],
		["e2", "10.1.0.1", "ADDRESS_RESERVED", "10.1.0.1 is the gateway of 10.1.0.0/24."],
		["e2", "10.1.0.255", "ADDRESS_RESERVED", "10.1.0.255 is the broadcast address of 10.1.0.0/24."],
		[
			"e1",
			"10.1.0.7",
			"OWNER_HAS_ANOTHER",
			"e1 has 10.1.0.200 of 10.1.0.0/24 already and cannot have 10.1.0.7 as well.",
		],
	] as const) {
		await expect(take(ipam, id, owner, address)).rejects.toMatchObject({ reason, message, field: "address" });
	}
	expect(await take(ipam, id, "e1", "10.1.0.200")).toBe("10.1.0.200");
	await expect(take(ipam, "f".repeat(64), "e2")).rejects.toMatchObject({ reason: "SUBNET_NOT_FOUND" });
	expect(ipam.leases.list({}, FIRST_PAGE).items).toHaveLength(1);
});

test("two who ask for the same address at once: one has it", async () => {
	await using scratch = new Scratch();
	const ipam = await scratch.open();
	const id = await subnetIn(ipam, "10.1.0.0/24");
	const results = await Promise.allSettled([take(ipam, id, "a", "10.1.0.9"), take(ipam, id, "b", "10.1.0.9")]);
	expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
	expect(results[1]).toMatchObject({ reason: { reason: "ADDRESS_IN_USE" } });
});

test("a full subnet says how large it is and who has it", async () => {
	await using scratch = new Scratch();
	const ipam = await scratch.open();
	const id = await subnetIn(ipam, "10.1.0.0/29");
	for (let index = 0; index < 4; index++) await take(ipam, id, `e${index}`);
	await ipam.leases.allocate({ ...leaseRequest(id, "x"), holder: "test" }, keepNothing);
	await expect(take(ipam, id, "late")).rejects.toMatchObject({
		reason: "SUBNET_EXHAUSTED",
		message: "10.1.0.0/29 has no free address: all 5 are leased (netd 4, test 1).",
	});
	const small = await subnetIn(ipam, "10.2.0.0/24", "10.2.0.8/30");
	for (let index = 0; index < 3; index++) await take(ipam, small, `e${index}`);
	await expect(take(ipam, small, "late")).rejects.toMatchObject({
		message: "The range 10.2.0.8/30 of 10.2.0.0/24 has no free address: all 3 are leased (netd 3).",
	});
	expect(await take(ipam, small, "late", "10.2.0.77")).toBe("10.2.0.77");
});

test("a released address rests, also over a restart, and is forgotten when it has rested", async () => {
	await using scratch = new Scratch();
	let ipam = await scratch.open();
	const id = await subnetIn(ipam, "10.1.0.0/29");
	for (const owner of ["a", "b", "c"]) await take(ipam, id, owner);
	expect([await give(ipam, id, "c"), await give(ipam, id, "c"), await give(ipam, id, "never")]).toEqual([
		true,
		false,
		false,
	]);
	await scratch.close();
	scratch.clock.ms += REST_MS - 1;
	ipam = await scratch.open();
	expect([await take(ipam, id, "d"), await take(ipam, id, "e")]).toEqual(["10.1.0.5", "10.1.0.6"]);
	// Nothing else is left: it is given though it has not rested.
	expect(await take(ipam, id, "f")).toBe("10.1.0.4");
	await give(ipam, id, "f");
	await give(ipam, id, "a");
	scratch.clock.ms += REST_MS + 1;
	await ipam.leases.prune();
	expect(ipam.store.all("SELECT * FROM resting")).toEqual([]);
	expect([await take(ipam, id, "g"), await take(ipam, id, "h")].sort()).toEqual(["10.1.0.2", "10.1.0.4"]);
});

test("an address whose lease could not be stored is free again; one whose release could not is leased", async () => {
	await using scratch = new Scratch();
	const ipam = await scratch.open();
	const id = await subnetIn(ipam, "10.1.0.0/30");
	const refused = () => [{ sql: "DELETE FROM lease WHERE row = -1", changes: 1 }];
	await expect(ipam.leases.allocate(leaseRequest(id, "a"), refused)).rejects.toThrow(ChangesError);
	expect(ipam.leases.list({}, FIRST_PAGE).items).toEqual([]);
	expect(await take(ipam, id, "b")).toBe("10.1.0.2");
	await expect(ipam.leases.release({ subnetId: id, holder: "netd", owner: "b" }, refused)).rejects.toThrow(
		ChangesError,
	);
	await expect(take(ipam, id, "c")).rejects.toMatchObject({ reason: "SUBNET_EXHAUSTED" });
	expect(ipam.leases.list({}, FIRST_PAGE).items).toHaveLength(1);
});

test("lists are filtered and come in pages, oldest first", async () => {
	await using scratch = new Scratch();
	const ipam = await scratch.open();
	const one = await subnetIn(ipam, "10.1.0.0/24");
	const two = await subnetIn(ipam, "10.2.0.0/24");
	for (const owner of ["a", "b", "c"]) for (const id of [one, two]) await take(ipam, id, owner);
	const listed = (filter: object) => ipam.leases.list(filter, FIRST_PAGE).items.map(({ address }) => `${address}`);
	expect(listed({ subnetId: two })).toEqual(["10.2.0.2", "10.2.0.3", "10.2.0.4"]);
	expect(listed({ holder: "netd", owner: "b" })).toEqual(["10.1.0.3", "10.2.0.3"]);
	expect(listed({ holder: "nobody" })).toEqual([]);
	expect(listed({ subnetId: "unknown" })).toEqual([]);
	const { items, next } = ipam.leases.list({}, { after: 0, limit: 4 });
	expect(items).toHaveLength(4);
	expect(ipam.leases.list({}, { after: next ?? 0, limit: 4 })).toMatchObject({ items: { length: 2 }, next: undefined });
});

describe("several addresses at once", () => {
	const wish = (subnetIds: readonly string[], address?: string, at = "wishes[0].") => ({
		subnetIds,
		address: address === undefined ? undefined : Ip.parse(address),
		at,
	});
	const second = (subnetIds: readonly string[], address?: string) => wish(subnetIds, address, "wishes[1].");
	const owners = ({ leases }: Ipam) =>
		leases.list({}, FIRST_PAGE).items.map(({ owner, address }) => `${owner} ${address}`);

	test("one of each set, from the first subnet of it that has one", async () => {
		await using scratch = new Scratch();
		const ipam = await scratch.open();
		const small = await subnetIn(ipam, "10.1.0.0/30");
		const large = await subnetIn(ipam, "10.2.0.0/24");
		const six = await subnetIn(ipam, "fd00::/64");
		const all = async (owner: string, ...wishes: LeasesRequest["wishes"]) =>
			(await ipam.leases.allocate({ ...leaseRequest("", owner), wishes }, keepNothing)).map(
				({ address }) => `${address}`,
			);
		expect(await all("e1", wish([small, large]), wish([six]))).toEqual(["10.1.0.2", "fd00::2"]);
		expect(await all("e2", wish([small, large]), wish([six]))).toEqual(["10.2.0.2", "fd00::3"]);
		// Whoever has one of a set has that.
		expect(await all("e2", wish([large, small]), wish([six]))).toEqual(["10.2.0.2", "fd00::3"]);
		expect(await all("e3", wish([small, large], "10.2.0.77"), wish([six], "fd00::77"))).toEqual([
			"10.2.0.77",
			"fd00::77",
		]);
		expect(owners(ipam)).toHaveLength(6);
	});

	test("all or none: what cannot be had leaves nothing of the others", async () => {
		await using scratch = new Scratch();
		const ipam = await scratch.open();
		const one = await subnetIn(ipam, "10.1.0.0/30");
		const two = await subnetIn(ipam, "10.2.0.0/24");
		await take(ipam, one, "e1");
		for (const [wishes, refusal] of [
			[[wish([two]), wish([one])], { reason: "SUBNET_EXHAUSTED" }],
			[[wish([two]), second([one], "10.9.0.1")], { reason: "OUTSIDE_SUBNET", field: "wishes[1].address" }],
			[[wish([two]), second([one], "10.1.0.2")], { reason: "ADDRESS_IN_USE", field: "wishes[1].address" }],
			[[wish([two]), second([one, "?"])], { reason: "SUBNET_NOT_FOUND", field: "wishes[1].subnet_ids[1]" }],
		] as const) {
			const request = { ...leaseRequest("", "late"), wishes };
			await expect(ipam.leases.allocate(request, keepNothing)).rejects.toMatchObject(refusal);
		}
		expect(owners(ipam)).toEqual(["e1 10.1.0.2"]);
		// The search goes on behind what was given back.
		expect(await take(ipam, two, "e2")).toBe("10.2.0.6");
	});

	test("all that were tried are named when there is none", async () => {
		await using scratch = new Scratch();
		const ipam = await scratch.open();
		const ids = [await subnetIn(ipam, "10.1.0.0/30"), await subnetIn(ipam, "10.2.0.0/30")];
		for (const [index, id] of ids.entries()) await take(ipam, id, `e${index}`);
		const request = { ...leaseRequest("", "late"), wishes: [wish(ids)] };
		await expect(ipam.leases.allocate(request, keepNothing)).rejects.toMatchObject({
			message: "10.1.0.0/30 and 10.2.0.0/30 have no free address: all 2 are leased (netd 2).",
		});
	});
});
