/** Eight programs ask ipamd for everything at once, and it is killed in the middle, again and again. */
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
	AllocateSubnetRequest,
	type Lease,
	ListLeasesRequest,
	ListSubnetsRequest,
	type Subnet,
} from "#gen/wharf/ipam/v1/ipam.ts";
import { type Child, start } from "#lib/exec/start.ts";
import { allPages } from "#lib/rpc/all-pages.ts";
import { Daemon, type Ipamd } from "./daemon.ts";
import type { Held } from "./siege-client.ts";

const CLIENT = fileURLToPath(new URL("./siege-client.ts", import.meta.url));
const CLIENTS = 8;
/** The range for benchmarks (RFC 2544): no host has routes to it. */
const POOLS = { WHARF_IPAMD_ADDRESS_POOLS: "198.18.0.0/21:26", WHARF_IPAMD_ADDRESS_REST: "200ms" };
/** A small one that is often full, a wide one, and one of the other family. */
const SHARED = ["198.19.0.0/27", "198.19.4.0/22", "fd00:198::/64"];
const LONGEST_LIFE_MS = 400;

export interface Siege {
	readonly kills: number;
	readonly answers: number;
	/** What was amiss, a line each. */
	readonly problems: readonly string[];
}

/** Numbers evenly from 0 up to, not with, `end`. */
interface Choices {
	below(end: number): number;
}

export async function besiege(kills: number, random: Choices, interrupted?: AbortSignal): Promise<Siege> {
	await using daemon = new Daemon({ ...POOLS, WHARF_LOG_LEVEL: "error" });
	await daemon.start();
	const problems: string[] = [];
	const shared = await sharedSubnets(daemon);
	const socket = daemon.paths.socket("ipamd");
	const clients = Array.from({ length: CLIENTS }, (_, index) =>
		start(process.execPath, [CLIENT, socket, `p${index}`, `${random.below(2 ** 31)}`, ...shared], { stdin: "pipe" }),
	);
	let killed = 0;
	const goesOn = (): boolean => killed < kills && interrupted?.aborted !== true;
	try {
		while (goesOn()) {
			await sleep(20 + random.below(LONGEST_LIFE_MS));
			await daemon.end("SIGKILL");
			killed += 1;
			await daemon.start();
			problems.push(...(await twice(daemon)).map((problem) => `after kill ${killed}: ${problem}`));
		}
		const held = await Promise.all(clients.map(ended));
		problems.push(...(await differences(daemon, held, shared)));
		return { kills: killed, answers: held.reduce((sum, { answers }) => sum + answers, 0), problems };
	} finally {
		for (const child of clients) child.kill("SIGKILL");
	}
}

async function sharedSubnets(daemon: Daemon): Promise<string[]> {
	using ipamd = daemon.connect();
	const ids: string[] = [];
	for (const cidr of SHARED) {
		const request = AllocateSubnetRequest.fromPartial({ requestId: cidr, holder: "siege", owner: "all", cidr });
		ids.push((await ipamd.allocateSubnet(request)).subnet?.id ?? "");
	}
	return ids;
}

async function ended(child: Child): Promise<Held> {
	child.stdin.end();
	const [said, { stderr, exitCode }] = await Promise.all([text(child.stdout), child.done]);
	if (exitCode !== 0) throw new Error(`a client failed: ${stderr}`);
	return JSON.parse(said) as Held; // its one line
}

/** Addresses that two have, and subnets that overlap. */
async function twice(daemon: Daemon): Promise<string[]> {
	using ipamd = daemon.connect();
	const { leases, subnets } = await everything(ipamd);
	return [
		...repeated(leases.map(({ subnetId, address }) => `${subnetId} ${address}`)).map((one) => `${one} has two owners`),
		...repeated(subnets.map(({ cidr }) => cidr)).map((one) => `${one} is two subnets`),
	];
}

/** Between what ipamd has and what its clients know: each of them knows all that it was answered. */
async function differences(daemon: Daemon, held: readonly Held[], shared: readonly string[]): Promise<string[]> {
	using ipamd = daemon.connect();
	const { leases, subnets } = await everything(ipamd);
	const there = leases.map(({ subnetId, address, owner }) => `${subnetId} ${address} ${owner}`);
	const known = held.flatMap((one) => one.leases);
	const ids = subnets.map(({ id }) => id);
	const knownIds = [...shared, ...held.flatMap((one) => one.subnets)];
	return [
		...missing(known, there).map((one) => `acknowledged and not there: ${one}`),
		...missing(there, known).map((one) => `there and nobody's: ${one}`),
		...missing(knownIds, ids).map((one) => `acknowledged and not there: subnet ${one}`),
		...missing(ids, knownIds).map((one) => `there and nobody's: subnet ${one}`),
		...(await usageDiffers(ipamd, subnets, leases)),
	];
}

async function usageDiffers(ipamd: Ipamd, subnets: readonly Subnet[], leases: readonly Lease[]): Promise<string[]> {
	const differing: string[] = [];
	for (const { id, cidr } of subnets) {
		const { usage } = await ipamd.getUsage({ id });
		const stored = leases.filter(({ subnetId }) => subnetId === id).length;
		if (Number(usage?.inUse) !== stored) differing.push(`${cidr} counts ${usage?.inUse} and has ${stored}`);
	}
	return differing;
}

async function everything(ipamd: Ipamd): Promise<{ readonly leases: Lease[]; readonly subnets: Subnet[] }> {
	return {
		leases: await allPages(
			(page) => ipamd.listLeases({ ...ListLeasesRequest.fromPartial({}), ...page }),
			(answer) => answer.leases,
		),
		subnets: await allPages(
			(page) => ipamd.listSubnets({ ...ListSubnetsRequest.fromPartial({}), ...page }),
			(answer) => answer.subnets,
		),
	};
}

function repeated(items: readonly string[]): string[] {
	const seen = new Set<string>();
	return items.filter((item) => seen.size === seen.add(item).size);
}

function missing(wanted: readonly string[], found: readonly string[]): string[] {
	const there = new Set(found);
	return wanted.filter((one) => !there.has(one));
}
