/** What all use cases work on. */
import type { Turns } from "#lib/concurrency/turns.ts";
import type { Log } from "#lib/log/log.ts";
import type { Statement, Store } from "#lib/store/store.ts";
import type { Drivers } from "./drivers/drivers.ts";
import type { Jobs } from "./jobs.ts";
import type { Disk, Host } from "./kernel/disk.ts";
import type { Freezer } from "./kernel/freezer.ts";
import type { Views } from "./kernel/views.ts";
import type { Mounting } from "./mounting.ts";

export interface Parts {
	readonly store: Store;
	readonly disk: Disk;
	readonly host: Host;
	readonly views: Views;
	readonly freezer: Freezer;
	readonly drivers: Drivers;
	readonly mounting: Mounting;
	/**
	 * By the names of volumes; of containers, with a slash in them; of paths, which begin with one; of requests, with a space. Who wants turns of both takes the
	 * containers' first and the volumes' within, all of one kind at once: otherwise two wait for each other for good.
	 */
	readonly turns: Turns;
	readonly jobs: Jobs;
	readonly log: Log;
	readonly now: () => number;
}

/** What is stored with a result so that a repeated request gets it again. */
export type Answer<T> = (result: T) => Statement[];

/** A result that changed nothing is still kept for who asks again. */
export async function told<T>(store: Store, result: T, answer: Answer<T>): Promise<T> {
	const rows = answer(result);
	if (rows.length > 0) await store.intend(rows, "volumed.told");
	return result;
}
