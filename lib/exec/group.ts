/**
 * Every child leads a process group of its own, and is ended with all that it started.
 *
 * Groups that are not meant to outlive this process are killed when it exits; after a SIGKILL of this process they live on.
 */
const live = new Set<number>();
let hooked = false;

/** Counts the group among those that end with this process, until it is forgotten. */
export function endWithUs(groupId: number): void {
	live.add(groupId);
	if (hooked) return;
	hooked = true;
	process.on("exit", () => {
		for (const id of live) signalGroup(id, "SIGKILL");
	});
}

export function forget(groupId: number): void {
	live.delete(groupId);
}

/** False when no process of the group is left. */
export function signalGroup(groupId: number, signal: NodeJS.Signals): boolean {
	try {
		process.kill(-groupId, signal);
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
		throw error;
	}
}
