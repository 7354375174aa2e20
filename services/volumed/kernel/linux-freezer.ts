/** The kernel's freezer of control groups (`lib/linux/freezer.ts`), with a line in the log for each change. */
import { freeze, observeFreezer, thaw } from "#lib/linux/freezer.ts";
import { isErrno } from "#lib/linux/libc.ts";
import type { Log } from "#lib/log/log.ts";
import type { Freezer, GroupState, Refused } from "./freezer.ts";
import { atSystem } from "./system-fault.ts";

export class LinuxFreezer implements Freezer {
	readonly #log: Log;

	constructor(log: Log) {
		this.#log = log;
	}

	observe(cgroup: string): Promise<GroupState | Refused> {
		return orRefused(() => observeFreezer(cgroup));
	}

	freeze(cgroup: string, boundMs: number, signal: AbortSignal): Promise<GroupState | Refused> {
		return orRefused(async () => {
			const before = await freeze(cgroup, boundMs, signal);
			if (before === "thawed") this.#log.change("cgroup.freeze", { cgroup });
			return before;
		}, boundMs);
	}

	async thaw(cgroup: string): Promise<void> {
		await atSystem(`thawing the control group ${cgroup}`, cgroup, () => thaw(cgroup));
		this.#log.change("cgroup.thaw", { cgroup });
	}
}

async function orRefused(body: () => Promise<GroupState>, boundMs = 0): Promise<GroupState | Refused> {
	try {
		return await body();
	} catch (error) {
		if (isErrno(error, "ETIMEDOUT"))
			return { problem: `not all of its processes have stopped within ${boundMs / 1000} s` };
		if (isErrno(error, "EOPNOTSUPP")) return { problem: "volumed sees no control group that could be frozen" };
		if (isErrno(error, "EDEADLK")) return { problem: "volumed itself is in its control group" };
		const isKernels = error instanceof Error && "errno" in error;
		if (isKernels) return { problem: `the kernel refused it: ${error.message}` };
		throw error;
	}
}
