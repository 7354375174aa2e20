/**
 * Files that processes have in their memory: what they store there is the file's, and no time of the file need change by it. A page that
 * was stored to once takes more until the kernel has written it to the disk, and on tmpfs for ever.
 *
 * Synchronous, for a thread of its own: `maps` waits for a process that holds its memory's lock. Sources: proc_pid_maps(5), cgroups(7).
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cgroupFolders } from "./cgroups.ts";
import { isErrno } from "./libc.ts";

/** Shared, and writable: permissions and the inode's number of a line. */
const MAPPING = /^\S+ .w.s \S+ \S+ (\d+)/gm;

/**
 * Numbers of the inodes that processes in the control groups, or below them, can store to now; of any file system, for what `maps` says of
 * that is not what stat(2) says. A group or a process that goes meanwhile has none. Errors: the kernel's.
 */
export function storedToBy(cgroups: readonly string[]): Set<number> {
	const pids = new Set<string>();
	for (const cgroup of cgroups) for (const folder of cgroupFolders(cgroup)) addProcesses(folder, pids);
	const inodes = new Set<number>();
	for (const pid of pids) {
		const maps = unlessGone(() => readFileSync(`/proc/${pid}/maps`, "latin1"), "");
		for (const [, inode] of maps.matchAll(MAPPING)) if (inode !== "0") inodes.add(Number(inode));
	}
	return inodes;
}

function addProcesses(folder: string, pids: Set<string>): void {
	const procs = unlessGone(() => readFileSync(join(folder, "cgroup.procs"), "latin1"), "");
	for (const pid of procs.split("\n")) if (pid !== "") pids.add(pid);
	for (const entry of unlessGone(() => readdirSync(folder, { withFileTypes: true }), []))
		if (entry.isDirectory()) addProcesses(join(folder, entry.name), pids);
}

function unlessGone<T>(body: () => T, none: T): T {
	try {
		return body();
	} catch (error) {
		// EOPNOTSUPP: a group of threads has no processes of its own, its parent has them.
		if (isErrno(error, "ENOENT", "ENODEV", "ESRCH", "EOPNOTSUPP")) return none;
		throw error;
	}
}
