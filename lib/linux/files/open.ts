/**
 * Opening what is in a directory that is open, by name, and never through a symlink.
 *
 * Names are strings with a character a byte (`latin1`). Failures are errnos, negative: of a hundred thousand names some have always gone
 * meanwhile.
 */
import { FixedMemory, tried } from "../libc.ts";
import { nameAt } from "./name-bytes.ts";

const O_NONBLOCK = 0o4000;
const O_DIRECTORY = 0o200000;
const O_NOFOLLOW = 0o400000;
const O_CLOEXEC = 0o2000000;

const openat = tried<[directory: number, name: number, flags: number, mode: number]>(
	"int openat(int directory, uintptr_t name, int flags, unsigned int mode)",
);
const close = tried<[fd: number]>("int close(int fd)");
const readlinkat = tried<[directory: number, name: number, out: number, size: number]>(
	"long readlinkat(int directory, uintptr_t name, uintptr_t out, size_t size)",
);

/** To read it. It does not wait for a writer when it is a fifo. */
export function openFile(directory: number, name: string): number {
	return openat(directory, nameAt(name), O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC, 0);
}

export function openDirectory(directory: number, name: string): number {
	return openat(directory, nameAt(name), O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
}

export function closeFile(fd: number): void {
	close(fd);
}

/** A link holds no longer one. */
const LONGEST = 4_096;
const link = new FixedMemory(Buffer.alloc(LONGEST));

/** Where a symlink points, as latin1; undefined when it is none any more. */
export function linkTarget(directory: number, name: string): string | undefined {
	const length = readlinkat(directory, nameAt(name), link.address, LONGEST);
	return length < 0 ? undefined : link.bytes.toString("latin1", 0, length);
}
