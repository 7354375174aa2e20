/**
 * A mount namespace for one thread, and another root inside it.
 *
 * setns(2) and unshare(2) for mounts need an `fs` struct of the thread's own; the main thread shares its with the whole
 * process, so this is for a Worker, which must start nothing inside: a thread born there would share its view.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { isMainThread } from "node:worker_threads";
import { atCall, checked } from "../libc.ts";
import { setPropagation } from "./mount.ts";

const CLONE_FS = 0x200;
const CLONE_NEWNS = 0x2_0000;
const MNT_DETACH = 2;

const unshare = checked<[flags: number]>("int unshare(int flags)");
const setns = checked<[fd: number, nstype: number]>("int setns(int fd, int nstype)");
const chdir = checked<[path: string]>("int chdir(const char *path)");
const pivotRoot = checked<[newRoot: string, oldRoot: string]>(
	"int pivot_root(const char *new_root, const char *old_root)",
);
const umount2 = checked<[target: string, flags: number]>("int umount2(const char *target, int flags)");

/**
 * Runs `body` with a new copy of the mounts, and comes back. What changes in the copy does not reach anybody else.
 * The copy lives as long as a descriptor (of `/proc/thread-self/ns/mnt`) or a process holds it. Cannot return: abort.
 */
export function inOwnMounts<T>(body: () => T): T {
	if (isMainThread) throw new Error("inOwnMounts: the main thread shares its view with the whole process");
	const home = openSync("/proc/thread-self/ns/mnt", "r");
	try {
		unshare(CLONE_FS | CLONE_NEWNS);
		setPropagation("/", "private", { recursive: true });
		return body();
	} finally {
		try {
			setns(home, CLONE_NEWNS);
		} catch (error) {
			writeSync(2, `cannot return to the own mount namespace: ${String(error)}\n`);
			process.abort();
		}
		closeSync(home);
	}
}

/** The mount at `path` becomes the root of this thread's namespace; everything else leaves it. */
export function pivotTo(path: string): void {
	atCall(`chdir ${path}`, () => chdir(path));
	// Old and new root at one place: the old one lies on top and is taken off (pivot_root(2), "pivot_root(".", ".")").
	atCall(`pivot_root ${path}`, () => pivotRoot(".", "."));
	atCall("umount the old root", () => umount2(".", MNT_DETACH));
	atCall("chdir /", () => chdir("/"));
}
