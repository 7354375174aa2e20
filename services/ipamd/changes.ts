/** Who watches is told of each change when it is durable. */
import { Latest } from "#lib/concurrency/latest.ts";
import type { PageRequest } from "#lib/rpc/page.ts";
import type { Store } from "#lib/store/store.ts";
import type { Book } from "./book.ts";
import { ipamFaults } from "./faults.ts";
import { LeaseRecords } from "./lease-records.ts";
import type { Lease, Subnet } from "./subnet.ts";
import { SubnetRecords } from "./subnet-records.ts";

export type Change =
	| { readonly kind: "subnet" | "releasedSubnet"; readonly subnet: Subnet }
	| { readonly kind: "lease" | "releasedLease"; readonly lease: Lease }
	/** Everything that there was has been told. */
	| { readonly kind: "synced" };

export interface WatchFilter {
	readonly holder: string | undefined;
	readonly subnetId: string | undefined;
}

/** Subnets and leases that a reader may be behind; beyond that it is to begin anew. */
const MAX_BEHIND = 100_000;
const PAGE = 1_000;

interface Watcher {
	readonly filter: WatchFilter;
	readonly latest: Latest<string, Change>;
}

export class Changes {
	readonly #book: Book;
	readonly #subnets: SubnetRecords;
	readonly #leases: LeaseRecords;
	readonly #watchers = new Set<Watcher>();

	constructor(store: Store, book: Book) {
		this.#book = book;
		this.#subnets = new SubnetRecords(store);
		this.#leases = new LeaseRecords(store);
	}

	tell(change: Change): void {
		for (const { filter, latest } of this.#watchers) if (concerns(change, filter)) latest.push(keyOf(change), change);
	}

	/** What there is, `synced`, then changes; until the signal or the reader ends it. */
	async *watch(filter: WatchFilter, signal: AbortSignal): AsyncGenerator<Change> {
		if (filter.subnetId !== undefined) this.#book.get(filter.subnetId);
		const latest = new Latest<string, Change>(MAX_BEHIND, () => ipamFaults.WATCH_TOO_SLOW({}));
		const watcher = { filter, latest };
		const stop = (): void => latest.end();
		signal.addEventListener("abort", stop, { once: true });
		this.#watchers.add(watcher);
		try {
			// What changes while this is read is told behind it.
			for (const subnet of paged((page) => this.#subnets.list(filter, page))) yield { kind: "subnet", subnet };
			for (const lease of paged((page) => this.#leases.list(filter, page))) yield { kind: "lease", lease };
			yield { kind: "synced" };
			yield* latest.values();
		} finally {
			signal.removeEventListener("abort", stop);
			this.#watchers.delete(watcher);
		}
	}
}

function concerns(change: Change, { holder, subnetId }: WatchFilter): boolean {
	if (change.kind === "synced") return true;
	const [party, id] = "lease" in change ? [change.lease, change.lease.subnetId] : [change.subnet, change.subnet.id];
	return (holder === undefined || party.holder === holder) && (subnetId === undefined || id === subnetId);
}

function keyOf(change: Change): string {
	if (change.kind === "synced") return "";
	return "lease" in change ? `${change.lease.subnetId} ${change.lease.address}` : change.subnet.id;
}

function* paged<T>(
	read: (page: PageRequest) => { readonly items: readonly T[]; readonly next: number | undefined },
): Generator<T> {
	for (let after: number | undefined = 0; after !== undefined; ) {
		const { items, next } = read({ after, limit: PAGE });
		yield* items;
		after = next;
	}
}
