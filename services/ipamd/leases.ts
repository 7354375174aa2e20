/**
 * Use cases of leases. An address is taken in memory, stored, and only then answered; what could not be stored is given back.
 *
 * An owner has one address of a subnet: asking again gets the same. Requests of one owner take turns, others do not wait for each other.
 */
import type { Ip } from "#lib/address/ip.ts";
import type { Mac } from "#lib/address/mac.ts";
import type { Page, PageRequest } from "#lib/rpc/page.ts";
import type { Store } from "#lib/store/store.ts";
import type { Book, Entry } from "./book.ts";
import { leaseFact } from "./facts.ts";
import { ipamFaults } from "./faults.ts";
import { type LeaseFilter, LeaseRecords } from "./lease-records.ts";
import type { Taken } from "./pool.ts";
import type { Lease, Party } from "./subnet.ts";
import type { Keep } from "./subnets.ts";
import { Turns } from "#lib/concurrency/turns.ts";

export interface LeaseRequest extends Party {
	readonly subnetId: string;
	/** Absent: the next free one. */
	readonly address: Ip | undefined;
	readonly mac: Mac | undefined;
	readonly name: string;
}

export interface ReleaseRequest extends Party {
	readonly subnetId: string;
}

export interface LeasesOptions {
	readonly store: Store;
	readonly book: Book;
	readonly restMs: number;
	readonly now: () => number;
}

export class Leases {
	readonly #store: Store;
	readonly #book: Book;
	readonly #restMs: number;
	readonly #now: () => number;
	readonly #records: LeaseRecords;
	readonly #turns = new Turns();

	constructor({ store, book, restMs, now }: LeasesOptions) {
		this.#store = store;
		this.#book = book;
		this.#restMs = restMs;
		this.#now = now;
		this.#records = new LeaseRecords(store);
	}

	allocate(request: LeaseRequest, keep: Keep<Lease>): Promise<Lease> {
		return this.#turns.take([keyOf(request)], () => this.#allocate(request, keep));
	}

	/** False when there was none. */
	release(request: ReleaseRequest, keep: Keep<boolean>): Promise<boolean> {
		return this.#turns.take([keyOf(request)], () => this.#release(request, keep));
	}

	list(filter: LeaseFilter, page: PageRequest): Page<Lease> {
		return this.#records.list(filter, page);
	}

	/** Forgets in the store which addresses have rested enough; in memory that happens by itself. */
	prune(): Promise<void> {
		return this.#store.write([this.#records.prune(this.#now() - this.#restMs)]);
	}

	async #allocate(request: LeaseRequest, keep: Keep<Lease>): Promise<Lease> {
		const { subnetId, holder, owner, address, mac, name } = request;
		const entry = this.#book.get(subnetId);
		const held = this.#records.find(entry, request);
		if (held !== undefined) return sameAgain(held, address, entry);

		using undo = new DisposableStack();
		const { pool } = entry;
		const taken = address === undefined ? this.#next(entry) : this.#claimed(entry, address);
		undo.defer(() => pool.undo(taken));
		const { prefix } = entry.subnet.cidr;
		const lease = { subnetId, address: taken.ip, prefix, holder, owner, mac, name, createdAt: new Date(this.#now()) };
		const statements = [this.#records.insert(entry, lease), leaseFact("ACTION_ALLOCATED", lease), ...keep(lease)];
		await this.#store.write(statements, "ipamd.lease.allocate");
		undo.move();
		return lease;
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
		return true;
	}

	#next(entry: Entry): Taken {
		const { pool, subnet } = entry;
		const taken = pool.take();
		if (taken !== undefined) return taken;
		const { cidr, range } = subnet;
		throw ipamFaults.SUBNET_EXHAUSTED({
			pool: range === undefined ? `${cidr}` : `The range ${range} of ${cidr}`,
			size: `${pool.usage.size}`,
			holders: this.#records.holdersOf(entry, pool.leased),
		});
	}

	#claimed(entry: Entry, address: Ip): Taken {
		const subnet = `${entry.subnet.cidr}`;
		const claim = entry.pool.claim(address);
		switch (claim.outcome) {
			case "taken":
				return claim.taken;
			case "outside":
				throw ipamFaults.OUTSIDE_SUBNET({ what: "The address", value: `${address}`, subnet }, { field: "address" });
			case "reserved":
				throw ipamFaults.ADDRESS_RESERVED({ address: `${address}`, subnet, as: claim.as }, { field: "address" });
			case "leased": {
				// Not in the store yet while another request for it is being written.
				const lease = this.#records.findByAddress(entry, address);
				const { holder, owner, name } = lease ?? { holder: "", owner: "a request in flight", name: "" };
				throw ipamFaults.ADDRESS_IN_USE({ address: `${address}`, holder, owner, name }, { field: "address" });
			}
		}
	}
}

function sameAgain(held: Lease, asked: Ip | undefined, { subnet }: Entry): Lease {
	if (asked === undefined || asked.equals(held.address)) return held;
	const metadata = { owner: held.owner, address: `${held.address}`, asked: `${asked}`, subnet: `${subnet.cidr}` };
	throw ipamFaults.OWNER_HAS_ANOTHER(metadata, { field: "address" });
}

function keyOf({ subnetId, holder, owner }: ReleaseRequest): string {
	return JSON.stringify([subnetId, holder, owner]);
}
