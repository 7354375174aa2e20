/** Pipes for bytes in bulk. */
import { checked, FixedMemory, tried } from "../libc.ts";

const O_CLOEXEC = 0o2000000;
const F_SETPIPE_SZ = 1031;
/** Anybody may have that much: `/proc/sys/fs/pipe-max-size`. */
const BYTES = 1024 * 1024;

const pipe2 = checked<[ends: number, flags: number]>("int pipe2(uintptr_t ends, int flags)");
const fcntl = tried<[fd: number, command: number, size: number]>("int fcntl(int fd, int command, int size)");
const ends = new FixedMemory(Buffer.alloc(8));

/** Descriptors, which are the caller's to close, or to give away. */
export interface Pipe {
	readonly read: number;
	readonly write: number;
}

/** One that holds a MiB; a user who has many gets smaller ones, which do as well. Both ends are closed in a program that is started. */
export function makePipe(): Pipe {
	pipe2(ends.address, O_CLOEXEC);
	const [read, write] = [ends.bytes.readInt32LE(0), ends.bytes.readInt32LE(4)];
	fcntl(write, F_SETPIPE_SZ, BYTES);
	return { read, write };
}
