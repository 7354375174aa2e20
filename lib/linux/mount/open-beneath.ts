/**
 * Opening a path below a directory that is not trusted: whatever is planted or swapped there, the result is inside.
 *
 * openat2(2), Linux 5.6. The descriptor is a handle (`O_PATH`): to be cloned, bound or looked at, never resolved again.
 */
import { constants } from "node:fs";
import { atCall, checked, isErrno } from "../libc.ts";

const AT_FDCWD = -100;
const SYS_OPENAT2 = 437;
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;
const RESOLVE_NO_MAGICLINKS = 0x02;
const RESOLVE_NO_SYMLINKS = 0x04;
const RESOLVE_BENEATH = 0x08;
const RESOLVE_IN_ROOT = 0x10;

const MOST_TRIES = 1_000;

/** `struct open_how`: flags, mode, resolve. */
const OPEN_HOW_BYTES = 24;

const openat2 = checked<[number: number, dfd: number, path: string, how: Uint8Array, size: number]>(
	"long syscall(long number, int dfd, const char *path, void *how, size_t size)",
);

/** What is at an absolute path, at the end of its links. */
export function openHandle(path: string): number {
	return open(AT_FDCWD, path, 0);
}

/** `path` must stay below the directory `fd`, and no part of it may be a symlink: otherwise EXDEV or ELOOP. */
export function openBeneath(fd: number, path: string): number {
	return open(fd, path, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

/** As if the directory `fd` were the root: symlinks and `..` are followed and end there. */
export function openInRoot(fd: number, path: string): number {
	return open(fd, path, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

function open(fd: number, path: string, resolve: number): number {
	const how = Buffer.alloc(OPEN_HOW_BYTES);
	how.writeBigUInt64LE(BigInt(constants.O_RDONLY | O_PATH | O_CLOEXEC), 0);
	how.writeBigUInt64LE(BigInt(resolve), 16);
	return atCall(`openat2 ${path}`, () => againWhileMoved(() => openat2(SYS_OPENAT2, fd, path, how, OPEN_HOW_BYTES)));
}

/** The kernel says EAGAIN when a rename or mount anywhere makes it unsure of a `..`. */
function againWhileMoved(body: () => number): number {
	for (let left = MOST_TRIES; ; left--) {
		try {
			return body();
		} catch (error) {
			if (left === 1 || !isErrno(error, "EAGAIN")) throw error;
		}
	}
}
