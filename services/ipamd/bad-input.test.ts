/** Whatever is asked, the answer is a result or a typed refusal with the field named; a refusal changes nothing, and ipamd goes on. */
import { array, constantFrom, oneof, record, sample, string } from "fast-check";
import { expect, test } from "vitest";
import {
	AllocateAddressesRequest,
	AllocateAddressRequest,
	AllocateSubnetRequest,
	ListLeasesRequest,
	ListSubnetsRequest,
} from "#gen/wharf/ipam/v1/ipam.ts";
import { type Fault, isFault } from "#lib/fault/fault.ts";
import { Daemon, type Ipamd } from "./test-support/daemon.ts";

const SEED = Date.now() % 2 ** 31;
const ROUNDS = 120;

const NOISE = ["", " ", "\0", "-1", "x".repeat(300), "é", "10.0.0.0/33", "::ffff:10.0.0.1", "fe80::1%eth0", "1e3"];
const ADDRESSES = [
	"198.18.0.0",
	"198.18.0.1",
	"198.18.0.7",
	"198.18.0.255",
	"198.19.9.9",
	"fd18::",
	"fd18::7",
	"010.0.0.1",
];
const CIDRS = [
	...[
		"198.18.0.0/24",
		"198.18.0.128/25",
		"198.18.1.7/24",
		"198.18.2.0/31",
		"198.18.2.2/32",
		"198.18.3.0/30",
		"0.0.0.0/24",
	],
	...[
		"0.0.0.0/0",
		"127.0.0.0/24",
		"224.0.0.0/8",
		"fd18::/64",
		"fd18:1::/127",
		"fd18:2::/128",
		"::/64",
		"fe80::/64",
		"::/0",
	],
];
const RANGES = [
	"198.18.0.16/28",
	"198.18.0.10-198.18.0.20",
	"198.18.0.20-198.18.0.10",
	"198.18.0.1-fd18::1",
	"198.18.9.0/24",
];

const one = (...texts: readonly string[]) =>
	oneof(constantFrom(...texts), constantFrom(...NOISE), string({ maxLength: 12 }));
const holder = oneof(
	{ weight: 4, arbitrary: constantFrom("netd", "other") },
	{ weight: 1, arbitrary: one("Netd", "1") },
);
const owner = one("o1", "o2", "o3");
const address = one(...ADDRESSES);

/** What is drawn for the requests of one round. */
interface Drawn {
	readonly by: string;
	readonly whose: string;
	readonly cidr: string;
	readonly range: string;
	readonly ip: string;
	readonly other: string;
	readonly subnetId: string;
	readonly second: string;
	readonly key: string;
	readonly wished: readonly (readonly string[])[];
}

function drawn(ids: readonly string[], round: number): Drawn {
	const id = one(...ids, "unknown");
	const wished = array(array(id, { maxLength: 3 }), { maxLength: 4 });
	const parts = { by: holder, whose: owner, cidr: one(...CIDRS), range: one(...RANGES), ip: address, other: address };
	const all = record({ ...parts, subnetId: id, second: id, key: one("a", "b"), wished });
	const [first] = sample(all, { seed: SEED + round, numRuns: 1 });
	if (first === undefined) throw new Error("nothing was drawn");
	return first;
}

type Ask = (
	ipamd: Ipamd,
	drawn: Drawn,
	more: { readonly requestId: string; readonly isBare: boolean },
) => Promise<unknown>;

/** One of each kind. `isBare`: without what may be left out. */
const ASKED: Readonly<Record<string, Ask>> = {
	subnet: (ipamd, { by, whose, cidr, range, ip, other, key }, { requestId, isBare }) => {
		const more = isBare ? {} : { ipRange: range, gateway: ip, auxiliaryAddresses: { [key]: other } };
		const request = { requestId, holder: by, owner: whose, cidr, ...more };
		return ipamd.allocateSubnet(AllocateSubnetRequest.fromPartial(request));
	},
	address: (ipamd, { by, whose, subnetId, ip, key }, { requestId, isBare }) => {
		const more = isBare ? {} : { address: ip, mac: key };
		const request = { requestId, holder: by, owner: whose, subnetId, ...more };
		return ipamd.allocateAddress(AllocateAddressRequest.fromPartial(request));
	},
	addresses: (ipamd, { by, whose, wished, ip }, { requestId, isBare }) => {
		const wishes = wished.map((subnetIds) => ({ subnetIds: [...subnetIds], address: isBare ? "" : ip }));
		const request = { requestId, holder: by, owner: whose, wishes };
		return ipamd.allocateAddresses(AllocateAddressesRequest.fromPartial(request));
	},
	release: (ipamd, { by, whose, subnetId }, { requestId }) =>
		ipamd.releaseAddress({ requestId, holder: by, owner: whose, subnetId }),
	"release subnet": (ipamd, { by, subnetId }, { requestId }) =>
		ipamd.releaseSubnet({ requestId, holder: by, id: subnetId }),
	holdings: (ipamd, { by, whose, subnetId, second }, { requestId, isBare }) => {
		const request = {
			requestId,
			holder: by,
			leases: [{ subnetId, owner: whose }],
			subnetIds: [second],
			dryRun: isBare,
		};
		return ipamd.releaseHoldings(request);
	},
	leases: (ipamd, { subnetId, ip, key }, { isBare }) =>
		ipamd.listLeases(ListLeasesRequest.fromPartial({ subnetId, address: ip, pageToken: isBare ? "" : key })),
	usage: (ipamd, { subnetId }) => ipamd.getUsage({ id: subnetId }),
};

const REFUSALS = [
	"INVALID_ARGUMENT",
	"ALREADY_EXISTS",
	"NOT_FOUND",
	"FAILED_PRECONDITION",
	"PERMISSION_DENIED",
	"RESOURCE_EXHAUSTED",
];
/** As `owner`, `auxiliary_addresses["a"]`, `wishes[0].subnet_ids[1]`. */
const FIELD = /^[a-z_]+(\[.+\](\.[a-z_]+(\[\d+\])?)?)?$/s;

async function state(ipamd: Ipamd): Promise<string> {
	const { subnets } = await ipamd.listSubnets(ListSubnetsRequest.fromPartial({ pageSize: 1_000 }));
	const { leases } = await ipamd.listLeases(ListLeasesRequest.fromPartial({ pageSize: 1_000 }));
	const usages = await Promise.all(subnets.map(async ({ id }) => (await ipamd.getUsage({ id })).usage));
	return JSON.stringify({ subnets, leases, usages }, (_, value: unknown) =>
		typeof value === "bigint" ? `${value}` : value,
	);
}

function complaint({ code, field = "" }: Fault): string | undefined {
	if (!REFUSALS.includes(code)) return `it is ${code}`;
	return code === "INVALID_ARGUMENT" && !FIELD.test(field)
		? `no field of the request is ${JSON.stringify(field)}`
		: undefined;
}

test(`any request is served or refused (seed ${SEED})`, { timeout: 120_000 }, async () => {
	await using daemon = new Daemon({ WHARF_IPAMD_ADDRESS_POOLS: "198.18.128.0/18:24", WHARF_LOG_LEVEL: "error" });
	await daemon.start();
	using ipamd = daemon.connect();
	let served = 0;
	const amiss: string[] = [];
	const refusals = new Set<string>();
	for (let round = 0; round < ROUNDS; round += 1) {
		const { subnets } = await ipamd.listSubnets(ListSubnetsRequest.fromPartial({ pageSize: 1_000 }));
		const fields = drawn(
			subnets.map(({ id }) => id),
			round,
		);
		for (const [what, ask] of Object.entries(ASKED)) {
			const before = await state(ipamd);
			const asked = ask(ipamd, fields, { requestId: `${what} ${round}`, isBare: round % 3 === 0 });
			const [outcome] = await Promise.allSettled([asked]);
			if (outcome.status === "fulfilled") {
				served += 1;
				continue;
			}
			const error: unknown = outcome.reason;
			if (!isFault(error)) throw error;
			refusals.add(error.reason);
			const problem = complaint(error) ?? ((await state(ipamd)) === before ? undefined : "something has changed");
			if (problem !== undefined) amiss.push(`${what} ${round}: ${problem}: ${error.reason} ${error.message}`);
		}
	}
	expect(amiss).toEqual([]);
	// Both happen, and it is not always the same that is refused.
	expect(served).toBeGreaterThan(ROUNDS);
	expect(refusals.size).toBeGreaterThan(8);
});
