/**
 * What is done before the first request: memory is rebuilt from the store, and what time has settled is forgotten.
 *
 * ipamd owns nothing in the kernel and gives back nothing that a holder has: holders list what they hold and release strays.
 */
import type { Log } from "#lib/log/log.ts";
import { Book, type BookOptions } from "./book.ts";
import { Leases } from "./leases.ts";

/** How often the store forgets addresses that have rested; they are free in memory long before. */
const PRUNE_EVERY_MS = 60_000;

export async function reconcile(options: BookOptions, log: Log): Promise<{ book: Book; leases: Leases }> {
	const book = new Book(options);
	const leases = new Leases({ ...options, book });
	await leases.prune();
	log.info("reconciled", { ipv4Subnets: book.subnets(4).length, ipv6Subnets: book.subnets(6).length });
	return { book, leases };
}

/** Until it is disposed. A failure shows in the next write that somebody waits for. */
export function pruneRegularly(leases: Leases, log: Log): Disposable {
	const timer = setInterval(() => {
		leases.prune().catch((error: unknown) => log.warn("resting addresses were not pruned", { err: error }));
	}, PRUNE_EVERY_MS);
	return { [Symbol.dispose]: () => clearInterval(timer) };
}
