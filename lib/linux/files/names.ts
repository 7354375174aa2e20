/** The names in a directory that is open: getdents64(2). Names are bytes; here they are strings with a character a byte (`latin1`). */
import { FixedMemory, must, tried } from "../libc.ts";

const BUFFER_BYTES = 256 * 1024;
/** `struct linux_dirent64`: d_ino, d_off, d_reclen at 16, d_type at 18, d_name. */
const TYPE_AT = 18;
const NAME_AT = 19;
const DOT = 46;

const getdents64 = tried<[fd: number, entries: number, size: number]>(
	"long getdents64(int fd, uintptr_t entries, size_t size)",
);

const entries = new FixedMemory(Buffer.alloc(BUFFER_BYTES));

/**
 * Without `.` and `..`, in the order of their bytes, each with what `typeOf` reads behind it. The directory's offset must be at its
 * beginning. A LinuxError when it cannot be read.
 */
export function namesIn(fd: number): string[] {
	const names: string[] = [];
	const { bytes: buffer, address } = entries;
	for (;;) {
		const length = must(getdents64(fd, address, BUFFER_BYTES), "getdents64");
		if (length === 0) return names.sort();
		for (let at = 0; at < length; at += buffer.readUInt16LE(at + 16)) {
			const start = at + NAME_AT;
			if (buffer[start] === DOT && isDots(entries, start)) continue;
			// No name has a zero byte: with one behind them they have the same order.
			const end = buffer.indexOf(0, start);
			names.push(buffer.toString("latin1", start, end + 1) + String.fromCharCode(buffer[at + TYPE_AT] ?? 0));
		}
	}
}

/** Of one that `namesIn` gave. */
export function nameOf(listed: string): string {
	return listed.slice(0, -2);
}

/** What it is as far as the file system says: `DT_…` of <dirent.h>, 0 when it does not. */
export function typeOf(listed: string): number {
	return listed.charCodeAt(listed.length - 1);
}

export const DT_REG = 8;

function isDots({ bytes: buffer }: FixedMemory, start: number): boolean {
	return buffer[start + 1] === 0 || (buffer[start + 1] === DOT && buffer[start + 2] === 0);
}
