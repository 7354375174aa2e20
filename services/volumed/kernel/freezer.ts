/** Containers' control groups, stopped for a moment. A group is known by its absolute path within each hierarchy. Everything is idempotent. */

/** By its own setting, whoever made it. */
export type GroupState = "absent" | "thawed" | "frozen";

/** What cannot be done or seen, and why: a clause for a sentence. */
export interface Refused {
	readonly problem: string;
}

export interface Freezer {
	observe(cgroup: string): Promise<GroupState | Refused>;
	/**
	 * Resolves when every process in the group has stopped, with what the group was before: one that was frozen is for whoever froze it to
	 * thaw, and one that is absent has no process. Refused: not all have stopped within `boundMs`, or the kernel does not let it; then, and
	 * when the signal aborts (its reason is thrown), the group is thawed again unless somebody else had frozen it.
	 */
	freeze(cgroup: string, boundMs: number, signal: AbortSignal): Promise<GroupState | Refused>;
	/** Absent is success. Fault: KERNEL_REFUSED. */
	thaw(cgroup: string): Promise<void>;
}
