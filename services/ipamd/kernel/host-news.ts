/** News of the host's addresses and routes. */
import { Monitor } from "#lib/linux/netlink/monitor.ts";
import type { Log } from "#lib/log/log.ts";

export interface WatchOptions {
	readonly log: Log;
	/** Called some ten times a second at most. */
	readonly changed: () => void;
	/** The namespace that plays the host; the process's own unless it is said. */
	readonly netns?: string;
}

export function watchHost({ log, changed, netns }: WatchOptions): Disposable {
	const failed = (err: unknown): void =>
		log.error("the kernel's news are no longer heard; the host's routes are compared once a minute", { err });
	return Monitor.open({ netns, addressesOnly: true, tell: changed, failed });
}
