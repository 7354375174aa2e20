/** What the use cases share; put together in `main.ts`. */
import type { Ip } from "#lib/address/ip.ts";
import type { Log } from "#lib/log/log.ts";
import type { Store } from "#lib/store/store.ts";
import type { Allocator } from "./allocator.ts";
import type { Drivers } from "./drivers/drivers.ts";
import type { Kernel } from "./kernel/kernel.ts";
import type { Locks } from "#lib/concurrency/locks.ts";
import type { Pace } from "#lib/concurrency/pace.ts";
import type { Names } from "./names.ts";
import type { Reaper } from "./reaper.ts";
import type { Records } from "./records.ts";
import type { Reservations } from "./reservations.ts";

export interface Parts {
	readonly store: Store;
	readonly records: Records;
	readonly kernel: Kernel;
	readonly drivers: Drivers;
	readonly allocator: Allocator;
	readonly names: Names;
	/** Where unknown names are asked of which neither a sandbox nor its networks say where; none: the host's resolvers. */
	readonly dnsServers: readonly Ip[];
	readonly reservations: Reservations;
	readonly reaper: Reaper;
	/** By the id of a sandbox or a network. */
	readonly locks: Locks;
	/** Of work in the kernel that keeps the loop waiting. */
	readonly pace: Pace;
	readonly log: Log;
	/** Where a sandbox's namespace is pinned. */
	readonly netnsPath: (sandboxId: string) => string;
	/** Something was left for reconciliation. */
	readonly unfinished: () => void;
}
