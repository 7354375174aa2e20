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
const fchdir = checked<[fd: number]>("int fchdir(int fd)");
const umask = checked<[mode: number]>("unsigned int umask(unsigned int mode)");
const pivotRoot = checked<[newRoot: string, oldRoot: string]>(
	"int pivot_root(const char *new_root, const char *old_root)",
);
const umount2 = checked<[target: string, flags: number]>("int umount2(const char *target, int flags)");

/**
 * Runs `body` with a new copy of the mounts, and comes back. What changes in the copy does not reach anybody else.
 * The copy lives as long as a descriptor (of `/proc/thread-self/ns/mnt`) or a process holds it. Cannot return: the process ends.
 */
export function inOwnMounts<T>(body: () => T): T {
	return comingBack(
		() => unshare(CLONE_FS | CLONE_NEWNS),
		() => {
			setPropagation("/", "private", { recursive: true });
			return body();
		},
	);
}

/**
 * Runs `body` in the mount namespace that a descriptor shows (of `/proc/<pid>/ns/mnt`), at its root, and comes back.
 * Descriptors of elsewhere stay what they are; paths mean what they mean there. Cannot return: the process ends.
 */
export function inMountsOf<T>(namespace: number, body: () => T): T {
	const enter = (): void => {
		unshare(CLONE_FS);
		atCall("setns of mounts", () => setns(namespace, CLONE_NEWNS));
	};
	return comingBack(enter, body);
}

/** `enter` is where nothing was left when it throws. */
function comingBack<T>(enter: () => void, body: () => T): T {
	if (isMainThread) throw new Error("the main thread shares its view of the mounts with the whole process");
	const home = openSync("/proc/thread-self/ns/mnt", "r");
	try {
		enter();
		try {
			return body();
		} finally {
			goHome(home);
		}
	} finally {
		closeSync(home);
	}
}

/** Going on elsewhere would do the host's work inside a container. A Worker cannot abort; a SIGKILL reaches every thread at once. */
function goHome(home: number): void {
	try {
		setns(home, CLONE_NEWNS);
	} catch (error) {
		writeSync(2, `cannot return to the own mount namespace: ${String(error)}\n`);
		process.kill(process.pid, "SIGKILL");
	}
}

/** From here on the modes that this thread makes files with are those that it asks for: its umask is its own, and 0. */
export function ownFileCreation(): void {
	if (isMainThread) throw new Error("the main thread shares its umask with the whole process");
	unshare(CLONE_FS);
	umask(0);
}

/**
 * Takes the mount that a descriptor shows, with all that is mounted on it, out of the thread's namespace; a busy one ends when its
 * last user is gone. `procfs` is a descriptor of this host's /proc: in another namespace that is the way to a descriptor.
 */
export function detachAt(fd: number, procfs: number): void {
	unshare(CLONE_FS);
	atCall("fchdir /proc", () => fchdir(procfs));
	try {
		// What a descriptor leads to is this very mount, whatever lies on it by now.
		atCall(`umount fd ${fd}`, () => umount2(`thread-self/fd/${fd}`, MNT_DETACH));
	} finally {
		atCall("chdir /", () => chdir("/"));
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
