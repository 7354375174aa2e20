import { describe, expect, test } from "vitest";
import { ChangesError } from "#lib/store/store.ts";
import type { HoldingsRequest } from "./holdings.ts";
import { type Ipam, keepNothing, leaseRequest, Scratch, subnetRequest } from "./test-support/ipam.ts";

const POOL = ["10.1.0.0/16", 24] as const;
const EVERYTHING = { after: 0, limit: 100 };

async function subnetWith({ subnets, leases }: Ipam, owner: string, ...leaseOwners: string[]): Promise<string> {
	const { subnet } = await subnets.allocate(subnetRequest(owner), keepNothing);
	for (const one of leaseOwners) await leases.allocate(leaseRequest(subnet.id, one), keepNothing);
	return subnet.id;
}

function request(more: Partial<HoldingsRequest>): HoldingsRequest {
	return { holder: "netd", leases: [], subnetIds: [], dryRun: false, ...more };
}

function held({ subnets, leases }: Ipam) {
	return {
		subnets: subnets.list({}, EVERYTHING).items.map(({ owner }) => owner),
		leases: leases.list({}, EVERYTHING).items.map(({ owner }) => owner),
	};
}

const refs = (subnetId: string, ...owners: string[]) => owners.map((owner) => ({ subnetId, owner }));

describe("several holdings of one holder", () => {
	test("go in one step, and are told", async () => {
		await using scratch = new Scratch(POOL);
		const ipam = await scratch.open();
		const one = await subnetWith(ipam, "n1", "e1", "e2");
		const two = await subnetWith(ipam, "n2", "e3", "e4");
		const leases = [...refs(one, "e1", "e2", "e1", "never"), ...refs(two, "e3"), ...refs("unknown", "e4")];
		const asked = request({ leases, subnetIds: [one, one, two, "unknown"] });
		const released = await ipam.holdings.release(asked, keepNothing);
		expect(released.leases.map(({ owner }) => owner)).toEqual(["e1", "e2", "e3"]);
		expect(released.subnets.map(({ owner }) => owner)).toEqual(["n1"]);
		expect(held(ipam)).toEqual({ subnets: ["n2"], leases: ["e4"] });
		expect(ipam.store.all("SELECT * FROM resting")).toHaveLength(1);
		// What is free again can be had again.
		expect((await ipam.subnets.allocate(subnetRequest("n3"), keepNothing)).subnet.cidr.toString()).toBe("10.1.0.0/24");
		const subjects = ipam.store.outbox.after(0, 100).map(({ subject }) => subject);
		expect(subjects.filter((subject) => subject.endsWith("lease.released"))).toHaveLength(3);
		expect(subjects.filter((subject) => subject.endsWith("subnet.released"))).toHaveLength(1);
		expect(await ipam.holdings.release(asked, keepNothing)).toEqual({ leases: [], subnets: [] });
	});

	test("are only told in a dry run", async () => {
		await using scratch = new Scratch(POOL);
		const ipam = await scratch.open();
		const id = await subnetWith(ipam, "n1", "e1");
		const before = held(ipam);
		const asked = request({ leases: refs(id, "e1"), subnetIds: [id], dryRun: true });
		const would = await ipam.holdings.release(asked, keepNothing);
		expect(held(ipam)).toEqual(before);
		expect(await ipam.holdings.release({ ...asked, dryRun: false }, keepNothing)).toEqual(would);
		expect(held(ipam)).toEqual({ subnets: [], leases: [] });
	});

	test("of others stay", async () => {
		await using scratch = new Scratch(POOL);
		const ipam = await scratch.open();
		const id = await subnetWith(ipam, "n1", "e1");
		const asked = request({ holder: "other", leases: refs(id, "e1"), subnetIds: [id] });
		expect(await ipam.holdings.release(asked, keepNothing)).toEqual({ leases: [], subnets: [] });
		expect(held(ipam)).toEqual({ subnets: ["n1"], leases: ["e1"] });
	});

	test("stay all of them where that cannot be stored", async () => {
		await using scratch = new Scratch(POOL);
		const ipam = await scratch.open();
		const id = await subnetWith(ipam, "n1", "e1");
		const refused = () => [{ sql: "DELETE FROM lease WHERE row = -1", changes: 1 }];
		const asked = request({ leases: refs(id, "e1"), subnetIds: [id] });
		await expect(ipam.holdings.release(asked, refused)).rejects.toThrow(ChangesError);
		expect(held(ipam)).toEqual({ subnets: ["n1"], leases: ["e1"] });
		const [lease] = await ipam.leases.allocate(leaseRequest(id, "e2"), keepNothing);
		expect(`${lease?.address}`).toBe("10.1.0.3");
	});

	test("a subnet that somebody leases from at the same time stays", async () => {
		await using scratch = new Scratch(POOL);
		const ipam = await scratch.open();
		const id = await subnetWith(ipam, "n1", "e1");
		const leasing = ipam.leases.allocate(leaseRequest(id, "e2"), keepNothing);
		const released = await ipam.holdings.release(request({ leases: refs(id, "e1"), subnetIds: [id] }), keepNothing);
		await leasing;
		expect(released.subnets).toEqual([]);
		expect(held(ipam)).toEqual({ subnets: ["n1"], leases: ["e2"] });
	});

	test("released by two at once are released once", async () => {
		await using scratch = new Scratch(POOL);
		const ipam = await scratch.open();
		const id = await subnetWith(ipam, "n1", "e1");
		const [released, alone, together] = await Promise.all([
			ipam.holdings.release(request({ leases: refs(id, "e1") }), keepNothing),
			ipam.leases.release({ subnetId: id, holder: "netd", owner: "e1" }, keepNothing),
			ipam.holdings.release(request({ leases: refs(id, "e1"), subnetIds: [id] }), keepNothing),
		]);
		expect([released.leases.length, alone, together.leases.length, together.subnets.length]).toEqual([1, false, 0, 1]);
	});
});
