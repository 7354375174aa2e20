/**
 * What is done before the first request: memory is rebuilt from the store, and what time has settled is forgotten.
 *
 * ipamd owns nothing in the kernel and gives back nothing that a holder has: holders list what they hold and release holdings.
 */
import { Turns } from "#lib/concurrency/turns.ts";
import type { Log } from "#lib/log/log.ts";
import { Book, type BookOptions } from "./book.ts";
import { Changes } from "./changes.ts";
import type { HostNetwork } from "./host-network.ts";
import { Leases } from "./leases.ts";
import { Overlaps } from "./overlaps.ts";
import { Holdings } from "./holdings.ts";
import { Subnets } from "./subnets.ts";

/** How often the store forgets addresses that have rested, which are free in memory long before; and the host is looked at. */
const EVERY_MS = 60_000;

export interface Ipamd {
	readonly subnets: Subnets;
	readonly leases: Leases;
	readonly holdings: Holdings;
	readonly overlaps: Overlaps;
	readonly changes: Changes;
}

export async function reconcile(options: BookOptions & { readonly host: HostNetwork }, log: Log): Promise<Ipamd> {
	const book = new Book(options);
	const parts = { ...options, book, changes: new Changes(options.store, book), turns: new Turns(), log };
	const leases = new Leases(parts);
	await leases.prune();
	log.info("reconciled", { ipv4Subnets: book.subnets(4).length, ipv6Subnets: book.subnets(6).length });
	const [subnets, holdings, overlaps] = [new Subnets(parts), new Holdings(parts), new Overlaps(parts)];
	return { subnets, leases, holdings, overlaps, changes: parts.changes };
}

/** Until it is disposed. A failure shows in the next write that somebody waits for. */
export function regularly({ leases, overlaps }: Ipamd, log: Log): Disposable {
	const timer = setInterval(() => {
		leases.prune().catch((error: unknown) => log.warn("resting addresses were not pruned", { err: error }));
		// Nothing tells of nameservers, and news may be missed.
		overlaps.soon();
	}, EVERY_MS);
	return { [Symbol.dispose]: () => clearInterval(timer) };
}
