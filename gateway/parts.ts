/** What the use cases work with, put together in serve.ts. */
import type { Log } from "#lib/log/log.ts";
import type { Store } from "#lib/store/store.ts";
import type { ContainerTable } from "./compose/container-table.ts";
import type { Endings } from "./endings.ts";
import type { RootFileSystems } from "./images/host.ts";
import type { Locks } from "#lib/concurrency/locks.ts";
import type { LogFiles } from "./logs/log-files.ts";
import type { Netd } from "./peers/netd.ts";
import type { Volumed } from "./peers/volumed.ts";
import type { Runtime } from "./runtime/runtime.ts";

export interface Parts {
	readonly store: Store;
	readonly table: ContainerTable;
	readonly locks: Locks;
	readonly endings: Endings;
	readonly runtime: Runtime;
	readonly roots: RootFileSystems;
	readonly logFiles: LogFiles;
	readonly netd: Netd;
	readonly volumed: Volumed;
	/** The instance's root: containers do not see it. */
	readonly wharfRoot: string;
	readonly log: Log;
}
