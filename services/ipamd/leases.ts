/**
 * Use cases of leases. An address is taken in memory, stored, and only then answered; what could not be stored is given back.
 *
 * An owner has one address of a subnet: asking again gets the same. Requests of one owner take turns, others do not wait for each other.
 */
import type { Turns } from "#lib/concurrency/turns.ts";
import { Cidr } from "#lib/address/cidr.ts";
import type { Ip } from "#lib/address/ip.ts";
import type { Mac } from "#lib/address/mac.ts";
import { atField } from "#lib/fault/fault.ts";
import type { Page, PageRequest } from "#lib/rpc/page.ts";
import type { Store } from "#lib/store/store.ts";
import type { Book, Entry } from "./book.ts";
import type { Changes } from "./changes.ts";
import { leaseFact } from "./facts.ts";
import { ipamFaults } from "./faults.ts";
import { type LeaseFilter, LeaseRecords } from "./lease-records.ts";
import type { Pool, Taken } from "./pool.ts";
import type { Lease, Party } from "./subnet.ts";
import type { Keep } from "./subnets.ts";

/** One address of any of these subnets. */
export interface Wish {
	/** The best first; at least one. */
	readonly subnetIds: readonly string[];
	/** Absent: the next free one. */
	readonly address: Ip | undefined;
	/** What it is in the request, for refusals: `wishes[0].`; empty where it is the request. */
	readonly at: string;
}

export interface LeasesRequest extends Party {
	/** No subnet is in two of them. */
	readonly wishes: readonly Wish[];
	readonly mac: Mac | undefined;
	readonly name: string;
}

export interface ReleaseRequest extends Party {
	readonly subnetId: string;
}

export interface LeasesOptions {
	readonly store: Store;
	readonly book: Book;
	readonly changes: Changes;
	/** Of the owners in each subnet. */
	readonly turns: Turns;
	readonly restMs: number;
	readonly now: () => number;
}

export class Leases {
	readonly #store: Store;
	readonly #book: Book;
	readonly #changes: Changes;
	readonly #restMs: number;
	readonly #now: () => number;
	readonly #records: LeaseRecords;
	readonly #turns: Turns;

	constructor({ store, book, changes, turns, restMs, now }: LeasesOptions) {
		this.#store = store;
		this.#book = book;
		this.#changes = changes;
		this.#turns = turns;
		this.#restMs = restMs;
		this.#now = now;
		this.#records = new LeaseRecords(store);
	}

	/** An address for each wish, in their order; all of them, or none. */
	allocate(request: LeasesRequest, keep: Keep<readonly Lease[]>): Promise<readonly Lease[]> {
		const keys = request.wishes.flatMap(({ subnetIds }) => subnetIds.map((id) => turnOf(id, request)));
		return this.#turns.take(keys, () => this.#allocate(request, keep));
	}

	/** False when there was none. */
	release(request: ReleaseRequest, keep: Keep<boolean>): Promise<boolean> {
		return this.#turns.take([turnOf(request.subnetId, request)], () => this.#release(request, keep));
	}

	list(filter: LeaseFilter, page: PageRequest): Page<Lease> {
		return this.#records.list(filter, page);
	}

	/** Forgets in the store which addresses have rested enough; in memory that happens by itself. */
	prune(): Promise<void> {
		return this.#store.write([this.#records.prune(this.#now() - this.#restMs)]);
	}

	async #allocate(request: LeasesRequest, keep: Keep<readonly Lease[]>): Promise<readonly Lease[]> {
		const { holder, owner, mac, name } = request;
		using undo = new DisposableStack();
		const made: { readonly entry: Entry; readonly lease: Lease }[] = [];
		const leases = request.wishes.map((wish) => {
			const entries = this.#entriesOf(wish);
			const held = this.#held(entries, request);
			if (held !== undefined) return sameAgain(held, wish);
			const { entry, taken } = this.#taken(entries, wish);
			undo.defer(() => entry.pool.undo(taken));
			const { id: subnetId, cidr } = entry.subnet;
			const createdAt = new Date(this.#now());
			const lease = { subnetId, address: taken.ip, prefix: cidr.prefix, holder, owner, mac, name, createdAt };
			made.push({ entry, lease });
			return lease;
		});
		if (made.length === 0) return leases;
		const rows = made.flatMap(({ entry, lease }) => [
			this.#records.insert(entry, lease),
			leaseFact("ACTION_ALLOCATED", lease),
		]);
		await this.#store.write([...rows, ...keep(leases)], "ipamd.lease.allocate");
		undo.move();
		for (const { lease } of made) this.#changes.tell({ kind: "lease", lease });
		return leases;
	}

	async #release(request: ReleaseRequest, keep: Keep<boolean>): Promise<boolean> {
		const entry = this.#book.get(request.subnetId);
		const lease = this.#records.find(entry, request);
		if (lease === undefined) return false;
		const { pool } = entry; // built before the lease goes: it must know what is given back
		const since = this.#now();
		const statements = [
			...this.#records.release(entry, lease, since),
			leaseFact("ACTION_RELEASED", lease),
			...keep(true),
		];
		await this.#store.write(statements, "ipamd.lease.release");
		pool.rest(lease.address, since);
		this.#changes.tell({ kind: "releasedLease", lease });
		return true;
	}

	#entriesOf({ subnetIds, at }: Wish): Entry[] {
		if (at === "") return subnetIds.map((id) => this.#book.get(id));
		return subnetIds.map((id, index) => atField(`${at}subnet_ids[${index}]`, () => this.#book.get(id)));
	}

	#held(entries: readonly Entry[], party: Party): Lease | undefined {
		for (const entry of entries) {
			const held = this.#records.find(entry, party);
			if (held !== undefined) return held;
		}
		return undefined;
	}

	#taken(entries: readonly Entry[], { address, at }: Wish): { readonly entry: Entry; readonly taken: Taken } {
		if (address !== undefined) return atField(`${at}address`, () => this.#claimed(entries, address));
		for (const entry of entries) {
			const taken = entry.pool.take();
			if (taken !== undefined) return { entry, taken };
		}
		const [size, leased] = [sum(entries, (pool) => pool.usage.size), sum(entries, (pool) => BigInt(pool.leased))];
		throw ipamFaults.SUBNET_EXHAUSTED({
			pool: entries.map(poolName).join(" and "),
			subnets: `${entries.length}`,
			size: `${size}`,
			holders: this.#records.holdersOf(entries, Number(leased)),
		});
	}

	/** Of the one that it is in. */
	#claimed(entries: readonly Entry[], address: Ip): { readonly entry: Entry; readonly taken: Taken } {
		const entry = entries.find(({ subnet }) => subnet.cidr.contains(address));
		if (entry === undefined) {
			const subnet = entries.map(({ subnet: { cidr } }) => `${cidr}`).join(", ");
			throw ipamFaults.OUTSIDE_SUBNET({ what: "The address", value: `${address}`, subnet });
		}
		const claim = entry.pool.claim(address);
		if (claim.outcome === "taken") return { entry, taken: claim.taken };
		if (claim.outcome === "reserved") {
			throw ipamFaults.ADDRESS_RESERVED({ address: `${address}`, subnet: `${entry.subnet.cidr}`, as: claim.as });
		}
		// Not in the store yet while another request for it is being written.
		const lease = this.#records.findByAddress(entry, address);
		const { holder, owner, name } = lease ?? { holder: "", owner: "a request in flight", name: "" };
		throw ipamFaults.ADDRESS_IN_USE({ address: `${address}`, holder, owner, name });
	}
}

function sum(entries: readonly Entry[], of: (pool: Pool) => bigint): bigint {
	return entries.reduce((all, { pool }) => all + of(pool), 0n);
}

function poolName({ subnet: { cidr, range } }: Entry): string {
	return range === undefined ? `${cidr}` : `The range ${range} of ${cidr}`;
}

function sameAgain(held: Lease, { address: asked, at }: Wish): Lease {
	if (asked === undefined || asked.equals(held.address)) return held;
	const { owner, address, prefix } = held;
	const metadata = { owner, address: `${address}`, asked: `${asked}`, subnet: `${Cidr.of(address, prefix)}` };
	throw ipamFaults.OWNER_HAS_ANOTHER(metadata, { field: `${at}address` });
}

/** The name of an owner's turn in a subnet. */
export function turnOf(subnetId: string, { holder, owner }: Party): string {
	return `${subnetId} ${holder} ${owner}`;
}
