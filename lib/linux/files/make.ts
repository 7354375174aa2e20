/**
 * Making what is in a directory that is open, by name, and never through a symlink. Failures are errnos, negative.
 *
 * Names are strings with a character a byte (`latin1`).
 */
import { Addresses, FixedMemory, tried } from "../libc.ts";
import { NameBytes, nameAt } from "./name-bytes.ts";

const O_WRONLY = 1;
const O_CREAT = 0o100;
const O_EXCL = 0o200;
const O_NOFOLLOW = 0o400000;
const O_CLOEXEC = 0o2000000;
const AT_REMOVEDIR = 0x200;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
/** For root alone. */
const PRIVATE_FILE = 0o600;
const PRIVATE_DIRECTORY = 0o700;
const WORD = 2 ** 32;

const openat = tried<[directory: number, name: number, flags: number, mode: number]>(
	"int openat(int directory, uintptr_t name, int flags, unsigned int mode)",
);
const mkdirat = tried<[directory: number, name: number, mode: number]>(
	"int mkdirat(int directory, uintptr_t name, unsigned int mode)",
);
const symlinkat = tried<[target: number, directory: number, name: number]>(
	"int symlinkat(uintptr_t target, int directory, uintptr_t name)",
);
const linkat = tried<[from: number, old: number, directory: number, name: number, flags: number]>(
	"int linkat(int from, uintptr_t old, int directory, uintptr_t name, int flags)",
);
const mknodat = tried<[directory: number, name: number, mode: number, device: number]>(
	"int mknodat(int directory, uintptr_t name, unsigned int mode, uint64_t device)",
);
const unlinkat = tried<[directory: number, name: number, flags: number]>(
	"int unlinkat(int directory, uintptr_t name, int flags)",
);
const renameat = tried<[from: number, old: number, directory: number, name: number]>(
	"int renameat(int from, uintptr_t old, int directory, uintptr_t name)",
);
const fchownat = tried<[directory: number, name: number, uid: number, gid: number, flags: number]>(
	"int fchownat(int directory, uintptr_t name, unsigned int uid, unsigned int gid, int flags)",
);
const fchmod = tried<[fd: number, mode: number]>("int fchmod(int fd, unsigned int mode)");
const fchmodat = tried<[directory: number, name: number, mode: number, flags: number]>(
	"int fchmodat(int directory, uintptr_t name, unsigned int mode, int flags)",
);
const utimensat = tried<[directory: number, name: number, times: number, flags: number]>(
	"int utimensat(int directory, uintptr_t name, uintptr_t times, int flags)",
);
const futimens = tried<[fd: number, times: number]>("int futimens(int fd, uintptr_t times)");
const pwrite = tried<[fd: number, bytes: number, size: number, offset: number]>(
	"long pwrite64(int fd, uintptr_t bytes, size_t size, int64_t offset)",
);
const ftruncate = tried<[fd: number, size: number]>("int ftruncate64(int fd, int64_t size)");

/** Of what is written: most of it is in one buffer, part by part. */
const addresses = new Addresses();

/** For calls with two names. */
const others = new NameBytes();

/** Answers the open file; EEXIST when anything has the name. Of its mode the process's umask is taken away. */
export function makeFile(directory: number, name: string, mode = PRIVATE_FILE): number {
	return openat(directory, nameAt(name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
}

/** For root alone until it has its mode. */
export function makeDirectory(directory: number, name: string): number {
	return mkdirat(directory, nameAt(name), PRIVATE_DIRECTORY);
}

export function makeSymlink(target: string, directory: number, name: string): number {
	return symlinkat(others.of(target), directory, nameAt(name));
}

/** Another name of what `old` is, itself if it is a symlink. */
export function makeLink(from: number, old: string, directory: number, name: string): number {
	return linkat(from, others.of(old), directory, nameAt(name), 0);
}

/** A fifo, socket or device: `mode` with its type. */
export function makeNode(
	directory: number,
	name: string,
	mode: number,
	[major, minor]: readonly [number, number] = [0, 0],
): number {
	// As <sys/sysmacros.h> puts them together, below 2^32.
	return mknodat(
		directory,
		nameAt(name),
		mode,
		(minor & 0xff) + (major & 0xfff) * 256 + Math.floor(minor / 256) * 2 ** 20,
	);
}

export function removeName(directory: number, name: string, isDirectory = false): number {
	return unlinkat(directory, nameAt(name), isDirectory ? AT_REMOVEDIR : 0);
}

/** Within a file system. What has the name goes in the same step, but for a directory with content and for what is of the other kind. */
export function moveName(from: number, old: string, directory: number, name: string): number {
	return renameat(from, others.of(old), directory, nameAt(name));
}

/** All of `bytes`, at `offset`. */
export function writeAt(fd: number, bytes: Uint8Array, offset: number): number {
	const address = addresses.of(bytes);
	let done = 0;
	while (done < bytes.length) {
		const written = pwrite(fd, address + done, bytes.length - done, offset + done);
		if (written < 0) return written;
		done += written;
	}
	return done;
}

export function resize(fd: number, size: number): number {
	return ftruncate(fd, size);
}

/** Of an open file. */
export function ownOpen(fd: number, uid: number, gid: number): number {
	return fchownat(fd, nameAt(""), uid, gid, AT_EMPTY_PATH);
}

/** Itself if it is a symlink. */
export function ownName(directory: number, name: string, uid: number, gid: number): number {
	return fchownat(directory, nameAt(name), uid, gid, AT_SYMLINK_NOFOLLOW);
}

export function permitOpen(fd: number, mode: number): number {
	return fchmod(fd, mode);
}

/** What the name is; EOPNOTSUPP of a symlink, which has no mode. */
export function permitName(directory: number, name: string, mode: number): number {
	return fchmodat(directory, nameAt(name), mode, AT_SYMLINK_NOFOLLOW);
}

/** `struct timespec [2]`: of access, which is left as it is, and of change. */
const timespecs = new FixedMemory(Buffer.from(new ArrayBuffer(32)));
const times = new Uint32Array(timespecs.bytes.buffer);
const UTIME_OMIT = 0x3ffffffe;

/** When its content was changed: of an open file without a name, or of a name, itself if it is a symlink. */
export function dateOf(fd: number, name: string | null, seconds: number, nanoseconds: number): number {
	times[2] = UTIME_OMIT;
	times[4] = ((seconds % WORD) + WORD) % WORD;
	times[5] = Math.floor(seconds / WORD) | 0;
	times[6] = nanoseconds;
	return name === null
		? futimens(fd, timespecs.address)
		: utimensat(fd, nameAt(name), timespecs.address, AT_SYMLINK_NOFOLLOW);
}
