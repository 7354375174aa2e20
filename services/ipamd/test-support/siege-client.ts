/**
 * One of several programs that ask ipamd at once, while it is killed again and again: everything that it can be asked, at random, each
 * request under its id until there is an answer. What it holds in the end is known exactly, and is its one line of output.
 *
 * Arguments: the socket, the program's name, a seed. It ends when its stdin does.
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
	AllocateAddressesRequest,
	AllocateAddressRequest,
	AllocateSubnetRequest,
	IpamServiceService,
	type Lease,
	ReleaseHoldingsRequest,
} from "#gen/wharf/ipam/v1/ipam.ts";
import { isFault } from "#lib/fault/fault.ts";
import { client } from "#lib/rpc/client.ts";
import { Random } from "./random.ts";

export interface Held {
	/** As `subnet address owner`. */
	readonly leases: readonly string[];
	/** Ids. */
	readonly subnets: readonly string[];
	readonly answers: number;
}

const HOLDER = "siege";
const PAUSE_MS = 15;
/** So many at most, that the subnets are neither empty nor full. */
const MOST_LEASES = 60;
const MOST_SUBNETS = 4;

const [socket = "", name = "", seed = "0", ...shared] = process.argv.slice(2);
const random = new Random(Number(seed));
using ipamd = client(IpamServiceService, { unix: socket }, { retry: { limit: 0, firstDelayMs: 0 }, pipeline: true });

const leases: Pick<Lease, "subnetId" | "owner" | "address">[] = [];
const subnets: string[] = [];
const over = new AbortController();
const goesOn = (): boolean => !over.signal.aborted;
let answers = 0;
let made = 0;
const fresh = (): string => `${name}-${++made}`;

process.stdin.once("end", () => over.abort()).resume();

/** Refusals are answers as well; undefined. */
async function answered<T>(call: () => Promise<T>): Promise<T | undefined> {
	for (;;) {
		try {
			const answer = await call();
			answers += 1;
			return answer;
		} catch (error) {
			if (!isFault(error)) throw error;
			const isRefusal = error.code === "RESOURCE_EXHAUSTED" || error.code === "ALREADY_EXISTS";
			if (isRefusal) return undefined;
			if (error.code !== "UNAVAILABLE") throw error;
			await sleep(PAUSE_MS);
		}
	}
}

function anyOf<T>(items: readonly T[]): T | undefined {
	return items[random.below(Math.max(1, items.length))];
}

const places = (): string[] => [...shared, ...subnets];

async function leaseOne(): Promise<void> {
	const subnetId = anyOf(places()) ?? "";
	const request = AllocateAddressRequest.fromPartial({ requestId: fresh(), subnetId, holder: HOLDER, owner: fresh() });
	const lease = (await answered(() => ipamd.allocateAddress(request)))?.lease;
	if (lease !== undefined) leases.push(lease);
}

async function leaseSeveral(): Promise<void> {
	const all = places();
	const [one = "", ...others] = all.slice(random.below(all.length));
	const wishes = [{ subnetIds: [one] }, ...(others.length > 0 ? [{ subnetIds: others }] : [])];
	const request = AllocateAddressesRequest.fromPartial({ requestId: fresh(), holder: HOLDER, owner: fresh(), wishes });
	leases.push(...((await answered(() => ipamd.allocateAddresses(request)))?.leases ?? []));
}

function forget(gone: (lease: (typeof leases)[number]) => boolean): void {
	for (const lease of leases.filter(gone)) leases.splice(leases.indexOf(lease), 1);
}

async function releaseOne(): Promise<void> {
	const lease = anyOf(leases);
	if (lease === undefined) return;
	const { subnetId, owner } = lease;
	const request = { requestId: fresh(), subnetId, holder: HOLDER, owner };
	if ((await answered(() => ipamd.releaseAddress(request)))?.released !== true) throw new Error(`${owner} was lost`);
	forget((one) => one === lease);
}

async function releaseSeveral(): Promise<void> {
	const going = leases.slice(random.below(Math.max(1, leases.length)));
	const refs = going.map(({ subnetId, owner }) => ({ subnetId, owner }));
	const request = ReleaseHoldingsRequest.fromPartial({ requestId: fresh(), holder: HOLDER, leases: refs });
	const released = (await answered(() => ipamd.releaseHoldings(request)))?.leases ?? [];
	if (released.length !== going.length) throw new Error(`${going.length - released.length} leases were lost`);
	forget((one) => going.includes(one));
}

async function takeSubnet(): Promise<void> {
	const request = AllocateSubnetRequest.fromPartial({ requestId: fresh(), holder: HOLDER, owner: fresh() });
	const subnet = (await answered(() => ipamd.allocateSubnet(request)))?.subnet;
	if (subnet !== undefined) subnets.push(subnet.id);
}

async function releaseSubnet(): Promise<void> {
	const id = anyOf(subnets);
	if (id === undefined) return;
	const refs = leases.filter(({ subnetId }) => subnetId === id).map(({ subnetId, owner }) => ({ subnetId, owner }));
	const request = { requestId: fresh(), holder: HOLDER, leases: refs, subnetIds: [id], dryRun: false };
	const released = (await answered(() => ipamd.releaseHoldings(request)))?.subnets ?? [];
	if (released.length !== 1) throw new Error(`the subnet ${id} was lost`);
	forget(({ subnetId }) => subnetId === id);
	subnets.splice(subnets.indexOf(id), 1);
}

while (goesOn()) {
	if (leases.length > MOST_LEASES) await releaseSeveral();
	else if (subnets.length > MOST_SUBNETS) await releaseSubnet();
	else {
		const steps = [
			leaseOne,
			leaseOne,
			leaseOne,
			leaseSeveral,
			releaseOne,
			releaseOne,
			takeSubnet,
			releaseSubnet,
		] as const;
		await random.pick(steps)();
	}
}
const held: Held = {
	leases: leases.map(({ subnetId, address, owner }) => `${subnetId} ${address} ${owner}`),
	subnets,
	answers,
};
console.log(JSON.stringify(held));
process.stdin.destroy();
