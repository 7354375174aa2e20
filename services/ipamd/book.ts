/**
 * What is allocated, in memory: the judge of every collision, rebuilt from the store at start.
 *
 * A subnet is entered before it is stored, and struck out after it is deleted there: at no moment is something free here that is
 * allocated there. The pool of a subnet is built when it is first used, so that starting costs what there are subnets.
 */
import type { Cidr } from "#lib/address/cidr.ts";
import type { Store } from "#lib/store/store.ts";
import { Chooser, type PoolSpec } from "./choice.ts";
import { ipamFaults } from "./faults.ts";
import { poolOf } from "./layout.ts";
import { LeaseRecords } from "./lease-records.ts";
import type { Pool } from "./pool.ts";
import { Ranges } from "./ranges.ts";
import type { Subnet } from "./subnet.ts";
import { type StoredSubnet, SubnetRecords } from "./subnet-records.ts";

export interface Entry extends StoredSubnet {
	/** Replaced when what overlaps it is seen anew. */
	subnet: Subnet;
	/** False while it is being stored or deleted: nothing is leased from it. */
	open: boolean;
	/** Its allocator. */
	readonly pool: Pool;
}

export interface BookOptions {
	readonly store: Store;
	readonly pools: readonly PoolSpec[];
	readonly restMs: number;
	readonly now: () => number;
}

export class Book {
	readonly #options: BookOptions;
	readonly #leases: LeaseRecords;
	readonly #entries = new Map<string, Entry>();
	readonly #taken = new Ranges<Entry>();
	readonly chooser: Chooser;
	#lastRow = 0;

	constructor(options: BookOptions) {
		this.#options = options;
		this.#leases = new LeaseRecords(options.store);
		this.chooser = new Chooser(options.pools, this.#taken);
		for (const stored of new SubnetRecords(options.store).all()) this.#enter(stored).open = true;
	}

	/** An open one, or a Fault SUBNET_NOT_FOUND. */
	get(id: string): Entry {
		const entry = this.find(id);
		if (entry === undefined) throw ipamFaults.SUBNET_NOT_FOUND({ id });
		return entry;
	}

	find(id: string): Entry | undefined {
		const entry = this.#entries.get(id);
		return entry?.open ? entry : undefined;
	}

	/** The last of those that overlap it, whether open or not. */
	overlapping(cidr: Cidr): Subnet | undefined {
		return this.#taken.overlapping(cidr)?.value.subnet;
	}

	/** The open ones that have addresses of it. */
	*within(cidr: Cidr): Generator<Entry> {
		for (const entry of this.#taken.allOverlapping(cidr)) if (entry.open) yield entry;
	}

	entries(): Entry[] {
		return [...this.#entries.values()].filter(({ open }) => open);
	}

	subnets(family: 4 | 6): Subnet[] {
		return this.#taken.values(family).map(({ subnet }) => subnet);
	}

	/** Takes its range, which must overlap nothing. It is opened by the caller, when it is stored. */
	enter(subnet: Subnet): Entry {
		return this.#enter({ row: this.#lastRow + 1, subnet });
	}

	strike({ subnet }: Entry): void {
		this.#entries.delete(subnet.id);
		this.#taken.delete(subnet.cidr);
		this.chooser.freed(subnet.cidr);
	}

	#enter(stored: StoredSubnet): Entry {
		const { row, subnet } = stored;
		const build = () => this.#build(stored);
		let pool: Pool | undefined;
		const entry: Entry = {
			row,
			subnet,
			open: false,
			get pool() {
				pool ??= build();
				return pool;
			},
		};
		this.#lastRow = Math.max(this.#lastRow, row);
		this.#entries.set(subnet.id, entry);
		this.#taken.add(subnet.cidr, entry);
		return entry;
	}

	#build(stored: StoredSubnet): Pool {
		const pool = poolOf(stored.subnet, this.#options);
		const leased = this.#leases.addresses(stored);
		for (const ip of leased) pool.claim(ip);
		for (const { address, since } of this.#leases.resting(stored)) {
			if (pool.claim(address).outcome === "taken") pool.rest(address, since);
		}
		const last = leased.at(-1);
		if (last !== undefined) pool.continueBehind(last);
		return pool;
	}
}
