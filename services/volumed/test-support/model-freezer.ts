/** Control groups in memory, for use cases. */
import { once } from "node:events";
import type { Freezer, GroupState, Refused } from "../kernel/freezer.ts";

export class ModelFreezer implements Freezer {
	/** Those that are there. */
	readonly groups = new Map<string, "thawed" | "frozen">();
	/** Those whose processes never stop: the bound is over at once. */
	readonly stubborn = new Set<string>();
	/** Those whose processes stop so late that nobody waits for it. */
	readonly slow = new Set<string>();
	/** Thrown by the next thaw, once. */
	failure: Error | undefined;

	async observe(cgroup: string): Promise<GroupState> {
		return this.groups.get(cgroup) ?? "absent";
	}

	async freeze(cgroup: string, boundMs: number, signal: AbortSignal): Promise<GroupState | Refused> {
		const before = await this.observe(cgroup);
		if (before === "absent") return before;
		this.groups.set(cgroup, "frozen");
		try {
			signal.throwIfAborted();
			if (this.slow.has(cgroup)) await once(signal, "abort");
			signal.throwIfAborted();
			if (!this.stubborn.has(cgroup)) return before;
			this.groups.set(cgroup, before);
			return { problem: `not all of its processes have stopped within ${boundMs / 1000} s` };
		} catch (error) {
			this.groups.set(cgroup, before);
			throw error;
		}
	}

	async thaw(cgroup: string): Promise<void> {
		const { failure } = this;
		this.failure = undefined;
		if (failure !== undefined) throw failure;
		if (this.groups.has(cgroup)) this.groups.set(cgroup, "thawed");
	}
}
