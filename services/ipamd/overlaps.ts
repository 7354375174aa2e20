/**
 * What of the host's comes up in the addresses of subnets that are in use, as a VPN's route: a fact when it comes and when it goes, and
 * there to be seen as long as it is there.
 *
 * A subnet has something of its own on the host, which overlaps nothing: whatever is on a link with an address that ipamd has given out
 * in it. So is the gateway on a bridge, with the routes over that.
 */
import { Cidr } from "#lib/address/cidr.ts";
import { bitsOf } from "#lib/address/ip.ts";
import type { Log } from "#lib/log/log.ts";
import type { Statement, Store } from "#lib/store/store.ts";
import type { Book, Entry } from "./book.ts";
import type { Changes } from "./changes.ts";
import { isEverything, type Obstacle } from "./choice.ts";
import { subnetFact } from "./facts.ts";
import { eachOnce, everythingOf, type HostNetwork, type HostObservation } from "./host-network.ts";
import type { Overlap } from "./subnet.ts";
import { SubnetRecords } from "./subnet-records.ts";

export interface OverlapsOptions {
	readonly store: Store;
	readonly book: Book;
	readonly changes: Changes;
	readonly host: HostNetwork;
	readonly now: () => number;
	readonly log: Log;
}

/** Interfaces and routes come in bursts; one look serves all of a second. */
const SOON_MS = 200;
const APART_MS = 1_000;

interface Difference {
	readonly entry: Entry;
	readonly overlaps: readonly Overlap[];
	readonly come: readonly Overlap[];
	readonly statements: readonly Statement[];
}

export class Overlaps implements Disposable {
	readonly #options: OverlapsOptions;
	readonly #records: SubnetRecords;
	#timer: NodeJS.Timeout | undefined;
	/** Settles when the looks that were asked for so far are over. */
	#before: Promise<void> = Promise.resolve();
	#lookedAt = 0;

	constructor(options: OverlapsOptions) {
		this.#options = options;
		this.#records = new SubnetRecords(options.store);
	}

	/** The host's network has changed, or may have. A failure is logged, and the next look makes up for it. */
	soon(): void {
		if (this.#timer !== undefined) return;
		const pause = Math.max(SOON_MS, this.#lookedAt + APART_MS - performance.now());
		this.#timer = setTimeout(() => {
			this.#timer = undefined;
			this.settle().catch((err: unknown) => this.#options.log.warn("the host's routes were not compared", { err }));
		}, pause).unref();
	}

	/** Looks, and resolves when what is new is stored. One look at a time. */
	settle(): Promise<void> {
		const turn = this.#before.then(() => this.#settle());
		this.#before = turn.catch(() => undefined); // whoever asked is told
		return turn;
	}

	[Symbol.dispose](): void {
		clearTimeout(this.#timer);
	}

	async #settle(): Promise<void> {
		const { store, book, host, changes, log } = this.#options;
		this.#lookedAt = performance.now();
		const found = overlapping(book, await host.observe());
		const differences = book
			.entries()
			.map((entry) => this.#difference(entry, found.get(entry) ?? []))
			.filter((difference) => difference !== undefined);
		if (differences.length === 0) return;
		await store.write(
			differences.flatMap(({ statements }) => statements),
			"ipamd.overlaps",
		);
		for (const { entry, overlaps, come } of differences) {
			entry.subnet = { ...entry.subnet, overlaps };
			if (entry.open) changes.tell({ kind: "subnet", subnet: entry.subnet });
			for (const { what } of come)
				log.warn("a subnet in use is overlapped", { subnet: `${entry.subnet.cidr}`, by: what });
		}
	}

	/** Undefined: it is as it was. */
	#difference(entry: Entry, found: readonly Obstacle[]): Difference | undefined {
		const { subnet } = entry;
		const before = new Map(subnet.overlaps.map((overlap) => [`${overlap.cidr}`, overlap]));
		const since = new Date(this.#options.now());
		const overlaps = found.map(({ cidr, what }) => before.get(`${cidr}`) ?? { cidr, what, since });
		const come = overlaps.filter((overlap) => !before.has(`${overlap.cidr}`));
		const there = new Set(found.map(({ cidr }) => `${cidr}`));
		const gone = subnet.overlaps.filter(({ cidr }) => !there.has(`${cidr}`));
		if (come.length + gone.length === 0) return undefined;
		const statements = [
			this.#records.setOverlaps(entry.row, overlaps),
			...come.map(({ what }) => subnetFact("ACTION_OVERLAPPED", subnet, what)),
			...gone.map(({ what }) => subnetFact("ACTION_CLEARED", subnet, what)),
		];
		return { entry, overlaps, come, statements };
	}
}

/** Each range once a subnet. */
function overlapping(book: Book, observation: HostObservation): Map<Entry, Obstacle[]> {
	const own = ownLinks(book, observation);
	const found = new Map<Entry, Obstacle[]>();
	for (const obstacle of everythingOf(observation)) {
		if (isEverything(obstacle.cidr)) continue;
		for (const entry of book.within(obstacle.cidr)) {
			if (obstacle.link !== undefined && own.get(entry)?.has(obstacle.link)) continue;
			if (obstacle.link === undefined && isGivenOut(entry, obstacle)) continue;
			found.set(entry, [...(found.get(entry) ?? []), obstacle]);
		}
	}
	for (const [entry, obstacles] of found) found.set(entry, eachOnce(obstacles));
	return found;
}

function ownLinks(book: Book, { addresses }: HostObservation): Map<Entry, Set<string>> {
	const own = new Map<Entry, Set<string>>();
	for (const { address, link } of addresses) {
		const { ip } = address;
		for (const entry of book.within(Cidr.of(ip, bitsOf(ip.family)))) {
			if (!entry.subnet.gateway.equals(ip) && !entry.pool.isLeased(ip)) continue;
			own.set(entry, (own.get(entry) ?? new Set()).add(link));
		}
	}
	return own;
}

/** A nameserver that is a container's, or the gateway. */
function isGivenOut({ subnet, pool }: Entry, { cidr }: Obstacle): boolean {
	const isOne = cidr.prefix === bitsOf(cidr.family);
	return isOne && (subnet.gateway.equals(cidr.first) || pool.isLeased(cidr.first));
}
