/** Gives back leases and subnets of one holder in one transaction; or tells what that would be. */
import type { Turns } from "#lib/concurrency/turns.ts";
import type { Store } from "#lib/store/store.ts";
import type { Book, Entry } from "./book.ts";
import type { Changes } from "./changes.ts";
import { leaseFact, subnetFact } from "./facts.ts";
import { LeaseRecords } from "./lease-records.ts";
import { turnOf } from "./leases.ts";
import type { Lease, Subnet } from "./subnet.ts";
import { SubnetRecords } from "./subnet-records.ts";
import type { Keep } from "./subnets.ts";

export interface HoldingsRequest {
	readonly holder: string;
	readonly leases: readonly { readonly subnetId: string; readonly owner: string }[];
	readonly subnetIds: readonly string[];
	readonly dryRun: boolean;
}

export interface ReleasedHoldings {
	readonly leases: readonly Lease[];
	readonly subnets: readonly Subnet[];
}

export interface HoldingsOptions {
	readonly store: Store;
	readonly book: Book;
	readonly changes: Changes;
	/** The same that leases are given and taken back in. */
	readonly turns: Turns;
	readonly now: () => number;
}

interface FoundLease {
	readonly entry: Entry;
	readonly lease: Lease;
}

export class Holdings {
	readonly #store: Store;
	readonly #book: Book;
	readonly #changes: Changes;
	readonly #turns: Turns;
	readonly #now: () => number;
	readonly #leases: LeaseRecords;
	readonly #subnets: SubnetRecords;

	constructor({ store, book, changes, turns, now }: HoldingsOptions) {
		this.#store = store;
		this.#book = book;
		this.#changes = changes;
		this.#turns = turns;
		this.#now = now;
		this.#leases = new LeaseRecords(store);
		this.#subnets = new SubnetRecords(store);
	}

	release(request: HoldingsRequest, keep: Keep<ReleasedHoldings>): Promise<ReleasedHoldings> {
		const { holder } = request;
		const turns = request.leases.map(({ subnetId, owner }) => turnOf(subnetId, { holder, owner }));
		return this.#turns.take(turns, () => this.#release(request, keep));
	}

	async #release(request: HoldingsRequest, keep: Keep<ReleasedHoldings>): Promise<ReleasedHoldings> {
		const leases = this.#found(request);
		const entries = this.#freed(request, leases);
		const released = { leases: leases.map(({ lease }) => lease), subnets: entries.map(({ subnet }) => subnet) };
		if (request.dryRun || leases.length + entries.length === 0) return released;

		using undo = new DisposableStack();
		for (const entry of entries) {
			entry.open = false;
			undo.defer(() => {
				entry.open = true;
			});
		}
		const pools = leases.map(({ entry }) => entry.pool); // built before the leases go: they must know what is given back
		const since = this.#now();
		const statements = [
			...leases.flatMap(({ entry, lease }) => [
				...this.#leases.release(entry, lease, since),
				leaseFact("ACTION_RELEASED", lease),
			]),
			...entries.flatMap(({ row, subnet }) => [this.#subnets.delete(row), subnetFact("ACTION_RELEASED", subnet)]),
		];
		await this.#store.write([...statements, ...keep(released)], "ipamd.holdings.release");
		undo.move();
		for (const [index, { lease }] of leases.entries()) {
			pools[index]?.rest(lease.address, since);
			this.#changes.tell({ kind: "releasedLease", lease });
		}
		for (const entry of entries) {
			this.#book.strike(entry);
			this.#changes.tell({ kind: "releasedSubnet", subnet: entry.subnet });
		}
		return released;
	}

	/** Each once. */
	#found({ holder, leases }: HoldingsRequest): FoundLease[] {
		const found = new Map<string, FoundLease>();
		for (const { subnetId, owner } of leases) {
			const entry = this.#book.find(subnetId);
			const lease = entry && this.#leases.find(entry, { holder, owner });
			if (entry !== undefined && lease !== undefined) found.set(`${subnetId} ${owner}`, { entry, lease });
		}
		return [...found.values()];
	}

	/** Those of which nothing else is leased. */
	#freed({ holder, subnetIds }: HoldingsRequest, leases: readonly FoundLease[]): Entry[] {
		const going = new Map<Entry, number>();
		for (const { entry } of leases) going.set(entry, (going.get(entry) ?? 0) + 1);
		return [...new Set(subnetIds)].flatMap((id) => {
			const entry = this.#book.find(id);
			const isFreed = entry?.subnet.holder === holder && entry.pool.leased === (going.get(entry) ?? 0);
			return entry !== undefined && isFreed ? [entry] : [];
		});
	}
}
