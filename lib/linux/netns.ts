/**
 * Network namespaces: making, removing and entering them.
 *
 * A thread is in exactly one network namespace, and Node's main thread must always be in the one it was born in: threads
 * inherit it, and everything asynchronous comes back to it. So every entry here is synchronous, always leaves again, and
 * ends the process when it cannot. A namespace lives as long as something holds it; here that is a bind mount on a file.
 */
import { closeSync, constants, openSync, rmSync, statSync, writeSync } from "node:fs";
import { isPromise } from "node:util/types";
import { atCall, checked, isErrno } from "./libc.ts";

const CLONE_NEWNET = 0x4000_0000;
const MS_BIND = 0x1000;
const MNT_DETACH = 2;
const UMOUNT_NOFOLLOW = 8;
const NSFS_MAGIC = 0x6e73_6673;

/** `struct statfs` has 120 bytes on 64-bit Linux and begins with the magic number of the file system. */
const STATFS_BYTES = 120;

/** The calling thread's, not the process's: a Worker is a thread of its own. */
const OWN_NETNS = "/proc/thread-self/ns/net";

const setns = checked<[fd: number, nstype: number]>("int setns(int fd, int nstype)");
const unshare = checked<[flags: number]>("int unshare(int flags)");
const mount = checked<[source: string, target: string, type: null, flags: number, data: null]>(
	"int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data)",
);
const umount2 = checked<[target: string, flags: number]>("int umount2(const char *target, int flags)");
const statfs = checked<[path: string, out: Uint8Array]>("int statfs(const char *path, void *out)");

/**
 * Makes a namespace and pins it at `path`, a file that must not exist yet (EEXIST).
 *
 * The new namespace is empty: `lo` is there and down. On failure nothing is left behind.
 */
export function createNetns(path: string): void {
	pinAt(path, () =>
		leavingAgain(() => {
			unshare(CLONE_NEWNET);
			atCall(`mount ${OWN_NETNS} ${path}`, () => mount(OWN_NETNS, path, null, MS_BIND, null));
		}),
	);
}

/** Makes the file, which must not exist yet (EEXIST), for `mountIt` to mount a namespace on; if that fails the file goes. */
function pinAt(path: string, mountIt: () => void): void {
	closeSync(openSync(path, "wx", 0o444));
	try {
		mountIt();
	} catch (error) {
		rmSync(path, { force: true });
		throw error;
	}
}

/**
 * Unpins the namespace at `path` and removes the file. Absent is success.
 *
 * The kernel takes down what is inside, in the background, once no process, socket or descriptor holds the namespace.
 */
export function removeNetns(path: string): void {
	try {
		atCall(`umount ${path}`, () => umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW));
	} catch (error) {
		// EINVAL: nothing is mounted there, as when createNetns was killed between its two steps.
		if (!isErrno(error, "EINVAL", "ENOENT")) throw error;
	}
	rmSync(path, { force: true });
}

/** True when `path` is a namespace's file, whether pinned by a bind mount or under /proc. Absent is false. */
export function isNetns(path: string): boolean {
	const out = Buffer.alloc(STATFS_BYTES);
	try {
		atCall(`statfs ${path}`, () => statfs(path, out));
	} catch (error) {
		if (isErrno(error, "ENOENT", "ENOTDIR")) return false;
		throw error;
	}
	return out.readBigInt64LE(0) === BigInt(NSFS_MAGIC);
}

/** A namespace held by a descriptor: what its path, or its process's number, leads to later does not matter. */
export interface OpenNetns extends Disposable {
	/** Of the namespace, as long as somebody holds it: two paths with the same one lead to the same. */
	readonly id: string;
	/** Pins it at `path` as well, a file that must not exist yet (EEXIST). On failure nothing is left behind. */
	pin(path: string): void;
}

/** Undefined: what is at `path` is no network namespace, or nothing is there. */
export function openNetns(path: string): OpenNetns | undefined {
	const fd = openAny(path);
	if (fd === undefined) return undefined;
	const own = `/proc/self/fd/${fd}`;
	const close = (): void => closeSync(fd);
	if (!isNetns(own) || !canEnter(fd)) {
		close();
		return undefined;
	}
	return {
		id: netnsId(own),
		pin: (target) =>
			pinAt(target, () => {
				atCall(`mount ${path} ${target}`, () => mount(own, target, null, MS_BIND, null));
			}),
		[Symbol.dispose]: close,
	};
}

/** Of the namespace at `path`; without one, of the thread's own. */
export function netnsId(path: string = OWN_NETNS): string {
	const { dev, ino } = statSync(path, { bigint: true });
	return `${dev}:${ino}`;
}

/** Without waiting for a writer, where it is a pipe. Undefined: nothing is there that can be opened. */
function openAny(path: string): number | undefined {
	if (path.includes("\0")) return undefined;
	try {
		return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
	} catch (error) {
		if (isErrno(error, "ENOENT", "ENOTDIR", "ELOOP", "EACCES", "ENAMETOOLONG", "ENXIO", "ESRCH", "ENODEV"))
			return undefined;
		throw error;
	}
}

/** False for a namespace of another kind, as of mounts. */
function canEnter(fd: number): boolean {
	try {
		leavingAgain(() => setns(fd, CLONE_NEWNET));
		return true;
	} catch (error) {
		if (isErrno(error, "EINVAL")) return false;
		throw error;
	}
}

/**
 * Runs `body` with the calling thread inside the namespace at `path` (a pinned file, or `/proc/<pid>/ns/net`).
 *
 * `body` must be synchronous and start nothing: no promise, timer, Worker, or first use of Node's thread pool, whose
 * threads would be born inside and stay there. What it opens (sockets, files of /proc/sys/net) keeps the namespace.
 */
export function inNetns<T>(path: string, body: () => T extends PromiseLike<unknown> ? never : T): T {
	const target = openSync(path, "r");
	try {
		return leavingAgain(() => {
			atCall(`setns ${path}`, () => setns(target, CLONE_NEWNET));
			const result: T = body();
			if (isPromise(result)) throw new TypeError("inNetns: the body must be synchronous");
			return result;
		});
	} finally {
		closeSync(target);
	}
}

/** As `inNetns`; without a path `body` simply runs where the thread is. */
export function inNetnsOrHere<T>(path: string | undefined, body: () => T extends PromiseLike<unknown> ? never : T): T {
	return path === undefined ? body() : inNetns(path, body);
}

/** Runs `body` and puts the thread back into the namespace that it is in now. */
function leavingAgain<T>(body: () => T): T {
	const home = openSync(OWN_NETNS, "r");
	try {
		return body();
	} finally {
		try {
			setns(home, CLONE_NEWNET);
		} catch (error) {
			// Going on would do the host's work inside a container's network. Nothing is worse than that.
			writeSync(2, `cannot return to the own network namespace: ${String(error)}\n`);
			// Not abort, which throws in a Worker; this reaches every thread at once.
			process.kill(process.pid, "SIGKILL");
		}
		closeSync(home);
	}
}
