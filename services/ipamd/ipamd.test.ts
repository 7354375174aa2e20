import { expect, test } from "vitest";
import {
	AllocateAddressesRequest,
	type Lease,
	ListLeasesRequest,
	ListSubnetsRequest,
	WatchRequest,
	type WatchResponse,
} from "#gen/wharf/ipam/v1/ipam.ts";
import { isFault } from "#lib/fault/fault.ts";
import { Store } from "#lib/store/store.ts";
import { MIGRATIONS } from "./schema.ts";
import { Daemon, type Ipamd } from "./test-support/daemon.ts";
import { Random } from "./test-support/random.ts";
import { besiege } from "./test-support/siege.ts";

const TIMEOUT_MS = 60_000;
/** The range for benchmarks (RFC 2544): no host has routes to it. */
const POOLS = { WHARF_IPAMD_ADDRESS_POOLS: "198.18.0.0/23:24" };

let made = 0;
const requestId = () => `request-${++made}`;

function subnetRequest(owner: string, cidr = "") {
	return {
		requestId: requestId(),
		holder: "netd",
		owner,
		addressSpace: "",
		family: "FAMILY_UNSPECIFIED" as const,
		cidr,
		ipRange: "",
		gateway: "",
		auxiliaryAddresses: {},
		order: "ADDRESS_ORDER_UNSPECIFIED" as const,
	};
}

function addressRequest(subnetId: string, owner: string, address = "") {
	return { requestId: requestId(), subnetId, holder: "netd", owner, address, mac: "", name: "" };
}

async function subnetIn(ipamd: Ipamd, owner: string, cidr = ""): Promise<string> {
	const { subnet } = await ipamd.allocateSubnet(subnetRequest(owner, cidr));
	return subnet?.id ?? "";
}

async function leases(ipamd: Ipamd, subnetId = ""): Promise<Lease[]> {
	const all: Lease[] = [];
	for (let pageToken = ""; ; ) {
		const page = await ipamd.listLeases(ListLeasesRequest.fromPartial({ subnetId, pageSize: 1_000, pageToken }));
		all.push(...page.leases);
		if (page.nextPageToken === "") return all;
		pageToken = page.nextPageToken;
	}
}

async function refusal(promise: Promise<unknown>) {
	const [{ status, ...outcome }] = await Promise.allSettled([promise]);
	if (status === "fulfilled") throw new Error("it was not refused");
	if (!("reason" in outcome) || !isFault(outcome.reason)) throw new Error("it was refused without a fault");
	const { code, reason, field, message, domain } = outcome.reason;
	return { code, reason, field, message, domain };
}

test("a subnet's whole life, and what is refused on the way", { timeout: TIMEOUT_MS }, async () => {
	await using daemon = new Daemon(POOLS);
	await daemon.start();
	using ipamd = daemon.connect();
	const { subnet, warnings } = await ipamd.allocateSubnet(subnetRequest("n1"));
	expect([subnet?.cidr, subnet?.gateway, subnet?.addressSpace, warnings]).toEqual([
		"198.18.0.0/24",
		"198.18.0.1",
		"local",
		[],
	]);
	const subnetId = subnet?.id ?? "";
	expect((await ipamd.getSubnet({ id: subnetId })).subnet).toEqual(subnet);
	expect(await subnetIn(ipamd, "n2")).not.toBe(subnetId);
	expect(await refusal(ipamd.allocateSubnet(subnetRequest("n3")))).toMatchObject({
		code: "RESOURCE_EXHAUSTED",
		reason: "POOLS_EXHAUSTED",
		domain: "ipamd",
		message: expect.stringContaining("Tried: 198.18.0.0/23 in /24. Allocated: 2 (netd 2).") as string,
	});
	expect(await refusal(ipamd.allocateSubnet(subnetRequest("n3", "198.18.0.128/25")))).toEqual({
		code: "ALREADY_EXISTS",
		reason: "SUBNET_OVERLAPS",
		domain: "ipamd",
		field: "cidr",
		message: "198.18.0.128/25 overlaps 198.18.0.0/24, which netd holds for n1.",
	});
	expect(await refusal(ipamd.allocateSubnet(subnetRequest("n3", "198.19.0.1/24")))).toMatchObject({
		code: "INVALID_ARGUMENT",
		reason: "HOST_BITS_SET",
		domain: "address",
		field: "cidr",
	});

	const first = await ipamd.allocateAddress(addressRequest(subnetId, "e1"));
	expect([first.lease?.address, first.lease?.prefixLength]).toEqual(["198.18.0.2", 24]);
	expect(await refusal(ipamd.allocateAddress(addressRequest(subnetId, "e2", "198.18.0.2")))).toMatchObject({
		code: "ALREADY_EXISTS",
		reason: "ADDRESS_IN_USE",
		field: "address",
	});
	const released = (id: string) => ipamd.releaseSubnet({ requestId: requestId(), id, holder: "netd" });
	expect(await refusal(released(subnetId))).toMatchObject({ code: "FAILED_PRECONDITION", reason: "SUBNET_IN_USE" });
	const release = () => ipamd.releaseAddress({ requestId: requestId(), subnetId, holder: "netd", owner: "e1" });
	expect([await release(), await release()]).toEqual([{ released: true }, { released: false }]);
	expect([await released(subnetId), await released(subnetId)]).toEqual([{ released: true }, { released: false }]);
	expect(await refusal(ipamd.getSubnet({ id: subnetId }))).toMatchObject({ code: "NOT_FOUND" });
	expect((await ipamd.listSubnets(ListSubnetsRequest.fromPartial({}))).subnets.map(({ owner }) => owner)).toEqual([
		"n2",
	]);
});

test("who watches is told what there is, and then what comes and goes", { timeout: TIMEOUT_MS }, async () => {
	await using daemon = new Daemon(POOLS);
	await daemon.start();
	using ipamd = daemon.connect();
	const subnetId = await subnetIn(ipamd, "n1");
	const end = new AbortController();
	const watch = ipamd.watch(WatchRequest.fromPartial({ holder: "netd" }), { signal: end.signal });
	const changes = watch[Symbol.asyncIterator]();
	const next = async () => ((await changes.next()).value as WatchResponse | undefined)?.change;
	expect([(await next())?.$case, (await next())?.$case]).toEqual(["subnet", "synced"]);
	const { lease } = await ipamd.allocateAddress(addressRequest(subnetId, "e1"));
	expect(await next()).toEqual({ $case: "lease", value: lease });
	await ipamd.releaseAddress({ requestId: requestId(), subnetId, holder: "netd", owner: "e1" });
	expect(await next()).toEqual({ $case: "releasedLease", value: lease });
	const { usage } = await ipamd.getUsage({ id: subnetId });
	expect(usage).toMatchObject({ size: 253n, inUse: 0n, resting: 1n, free: 252n, reserved: 3n });
	await ipamd.releaseSubnet({ requestId: requestId(), id: subnetId, holder: "netd" });
	expect((await next())?.$case).toBe("releasedSubnet");
	const waiting = refusal(next());
	end.abort();
	expect(await waiting).toMatchObject({ code: "CANCELLED" });
	const unknown = ipamd.watch(WatchRequest.fromPartial({ subnetId }))[Symbol.asyncIterator]();
	expect(await refusal(unknown.next())).toMatchObject({ reason: "SUBNET_NOT_FOUND" });
});

test("a repeated request has its first answer, also after a restart", { timeout: TIMEOUT_MS }, async () => {
	await using daemon = new Daemon(POOLS);
	await daemon.start();
	const subnet = subnetRequest("n1");
	let allocated: unknown;
	let address: ReturnType<typeof addressRequest>;
	let leased: unknown;
	{
		using ipamd = daemon.connect();
		const answer = await ipamd.allocateSubnet(subnet);
		allocated = answer;
		address = addressRequest(answer.subnet?.id ?? "", "e1");
		leased = await ipamd.allocateAddress(address);
		expect(await ipamd.allocateSubnet(subnet)).toEqual(allocated);
		expect((await refusal(ipamd.allocateSubnet({ ...subnet, owner: "n2" }))).reason).toBe("REQUEST_ID_REUSED");
	}
	expect(await daemon.end("SIGTERM")).toMatchObject({ exitCode: 0 });
	await daemon.start();
	using ipamd = daemon.connect();
	expect([await ipamd.allocateSubnet(subnet), await ipamd.allocateAddress(address)]).toEqual([allocated, leased]);
	expect(await leases(ipamd)).toHaveLength(1);
});

test("a subnet is given out to the last address over many connections, each address once", {
	timeout: TIMEOUT_MS,
}, async () => {
	await using daemon = new Daemon(POOLS);
	await daemon.start();
	const clients = Array.from({ length: 4 }, () => daemon.connect());
	const [ipamd] = clients;
	if (ipamd === undefined) throw new Error("no client");
	const subnetId = await subnetIn(ipamd, "n1");
	const results = await Promise.allSettled(
		Array.from({ length: 260 }, (_, index) =>
			(clients[index % 4] ?? ipamd).allocateAddress(addressRequest(subnetId, `e${index}`)),
		),
	);
	const got = results.flatMap((result) => (result.status === "fulfilled" ? [result.value.lease?.address] : []));
	const refused = results.flatMap((result) => (result.status === "rejected" ? [result.reason as Error] : []));
	expect([got.length, new Set(got).size, refused.length]).toEqual([253, 253, 7]);
	// Some of the 253, or all, may not have been stored when the next one was refused: the sentence adds up all the same.
	for (const { message } of refused) {
		expect(message).toMatch(
			/^198\.18\.0\.0\/24 has no free address: all 253 are leased \((netd \d+|(netd \d+, )?requests in flight \d+)\)\.$/,
		);
		const counts = [...message.slice(message.indexOf("(")).matchAll(/\d+/g)].map(Number);
		expect(counts.reduce((sum, count) => sum + count, 0)).toBe(253);
	}
	for (const one of clients) one.close();
	// Every fact is in the outbox once, in the order in which it became true.
	await daemon.end("SIGTERM");
	await using store = await Store.open({ path: daemon.paths.state("ipamd"), migrations: MIGRATIONS });
	const subjects = store.outbox.after(0, 1_000).map(({ subject }) => subject);
	expect(subjects).toEqual(["wharf.v1.subnet.allocated", ...got.map(() => "wharf.v1.lease.allocated")]);
});

test("killed ten times while eight programs ask for everything: all that was acknowledged is there, and nothing else", {
	timeout: 120_000,
}, async () => {
	const seed = Date.now() % 1_000_000;
	const { kills, answers, problems } = await besiege(10, new Random(seed));
	expect({ seed, problems }).toEqual({ seed, problems: [] });
	expect(kills).toBe(10);
	expect(answers).toBeGreaterThan(100);
});

test.each([
	["store.ipamd.subnet.allocate", 1],
	["store.ipamd.lease.allocate", 1],
	["store.ipamd.lease.release", 0],
	["store.ipamd.subnet.release", 0],
	["store.ipamd.holdings.release", 0],
])(
	"killed at %s, a repeated request is answered as if nothing had been",
	{ timeout: TIMEOUT_MS },
	async (point, left) => {
		await using daemon = new Daemon(POOLS);
		const subnet = subnetRequest("n1");
		/** The whole life again and again, each step under its own request id; a step that died is repeated. */
		const life = async (ipamd: Ipamd) => {
			const { subnet: allocated } = await ipamd.allocateSubnet(subnet);
			const subnetId = allocated?.id ?? "";
			const address = { ...addressRequest(subnetId, "e1"), requestId: "address" };
			const { lease } = await ipamd.allocateAddress(address);
			const several = { requestId: "several", holder: "netd", owner: "e2", wishes: [{ subnetIds: [subnetId] }] };
			const more = (await ipamd.allocateAddresses(AllocateAddressesRequest.fromPartial(several))).leases;
			const refs = more.map(({ owner }) => ({ subnetId, owner }));
			const holdings = { requestId: "holdings", holder: "netd", leases: refs, subnetIds: [], dryRun: false };
			const given = (await ipamd.releaseHoldings(holdings)).leases;
			const party = { subnetId, holder: "netd", owner: "e1" };
			const releasing = left === 0;
			const releasedAddress = releasing && (await ipamd.releaseAddress({ ...party, requestId: "release" })).released;
			const request = { requestId: "release subnet", id: subnetId, holder: "netd" };
			const releasedSubnet = releasing && (await ipamd.releaseSubnet(request)).released;
			return { lease: lease?.address, releasedAddress, releasedSubnet, given: given.map(({ address: one }) => one) };
		};
		await daemon.start({ WHARF_KILL_POINT: point });
		{
			using ipamd = daemon.connect();
			expect(await refusal(life(ipamd))).toMatchObject({ code: "UNAVAILABLE" });
		}
		expect(await daemon.ended()).toMatchObject({ signal: "SIGKILL" });
		await daemon.start();
		using ipamd = daemon.connect();
		const released = left === 0;
		const given = ["198.18.0.3"];
		const expected = { lease: "198.18.0.2", releasedAddress: released, releasedSubnet: released, given };
		expect([await life(ipamd), await life(ipamd)]).toEqual([expected, expected]);
		expect(await leases(ipamd)).toHaveLength(left);
		expect((await ipamd.listSubnets(ListSubnetsRequest.fromPartial({}))).subnets).toHaveLength(left);
	},
);
