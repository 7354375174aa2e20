import { expect, test } from "vitest";
import type { Change, WatchFilter } from "./changes.ts";
import { type Ipam, keepNothing, leaseRequest, Scratch, subnetRequest } from "./test-support/ipam.ts";

const POOL = ["10.1.0.0/16", 24] as const;
const ALL: WatchFilter = { holder: undefined, subnetId: undefined };

function text(change: Change): string {
	if (change.kind === "synced") return "synced";
	return "lease" in change ? `${change.kind} ${change.lease.address}` : `${change.kind} ${change.subnet.cidr}`;
}

function watched({ changes }: Ipam, filter: WatchFilter = ALL) {
	const end = new AbortController();
	const told = changes.watch(filter, end.signal);
	const next = async () => {
		const { value, done } = await told.next();
		return done === true ? "end" : text(value);
	};
	const upTo = async (count: number) => {
		const texts: string[] = [];
		while (texts.length < count) texts.push(await next());
		return texts;
	};
	return { end, next, upTo };
}

test("a watch begins with what there is, and goes on with each change when it is durable", async () => {
	await using scratch = new Scratch(POOL);
	const ipam = await scratch.open();
	const { subnet } = await ipam.subnets.allocate(subnetRequest("n1"), keepNothing);
	await ipam.leases.allocate(leaseRequest(subnet.id, "e1"), keepNothing);
	const { end, next, upTo } = watched(ipam);
	expect(await upTo(3)).toEqual(["subnet 10.1.0.0/24", "lease 10.1.0.2", "synced"]);
	await ipam.leases.allocate(leaseRequest(subnet.id, "e2"), keepNothing);
	await ipam.leases.release({ subnetId: subnet.id, holder: "netd", owner: "e1" }, keepNothing);
	const other = await ipam.subnets.allocate(subnetRequest("n2"), keepNothing);
	await ipam.subnets.release({ id: other.subnet.id, holder: "netd" }, keepNothing);
	// Of the second subnet there is nothing to tell but that it is gone.
	expect(await upTo(3)).toEqual(["lease 10.1.0.3", "releasedLease 10.1.0.2", "releasedSubnet 10.1.1.0/24"]);
	const refused = () => [{ sql: "DELETE FROM lease WHERE row = -1", changes: 1 }];
	await expect(ipam.leases.allocate(leaseRequest(subnet.id, "e3"), refused)).rejects.toThrow("0 rows changed");
	const leases = [{ subnetId: subnet.id, owner: "e2" }];
	await ipam.holdings.release({ holder: "netd", leases, subnetIds: [subnet.id], dryRun: false }, keepNothing);
	expect(await upTo(2)).toEqual(["releasedLease 10.1.0.3", "releasedSubnet 10.1.0.0/24"]);
	const waiting = next();
	end.abort();
	expect(await waiting).toBe("end");
});

test("a watch of one holder or of one subnet is told of nothing else", async () => {
	await using scratch = new Scratch(POOL);
	const ipam = await scratch.open();
	const { subnet: one } = await ipam.subnets.allocate(subnetRequest("n1"), keepNothing);
	const { subnet: two } = await ipam.subnets.allocate({ ...subnetRequest("n2"), holder: "other" }, keepNothing);
	const [holders, subnets] = [watched(ipam, { ...ALL, holder: "other" }), watched(ipam, { ...ALL, subnetId: one.id })];
	expect(await holders.upTo(2)).toEqual(["subnet 10.1.1.0/24", "synced"]);
	expect(await subnets.upTo(2)).toEqual(["subnet 10.1.0.0/24", "synced"]);
	for (const { id } of [one, two]) await ipam.leases.allocate(leaseRequest(id, "e1"), keepNothing);
	await ipam.leases.allocate({ ...leaseRequest(one.id, "e2"), holder: "other" }, keepNothing);
	expect(await holders.upTo(1)).toEqual(["lease 10.1.0.3"]);
	expect(await subnets.upTo(2)).toEqual(["lease 10.1.0.2", "lease 10.1.0.3"]);
	await expect(watched(ipam, { ...ALL, subnetId: "unknown" }).next()).rejects.toMatchObject({
		reason: "SUBNET_NOT_FOUND",
	});
});
