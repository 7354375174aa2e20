/** ioctl(2) with a structure that is read, written or both; and the numbers of requests, as <linux/ioctl.h> makes them. */
import { closeSync, constants, openSync } from "node:fs";
import { checked } from "./libc.ts";

const DIRECTIONS = { none: 0, write: 1, read: 2, both: 3 } as const;

/** `_IOW('X', 32, struct fsxattr)` is `requestNumber("write", 0x58, 32, 28)`: what the kernel reads of us is "write". */
export function requestNumber(direction: keyof typeof DIRECTIONS, type: number, number: number, bytes: number): number {
	return DIRECTIONS[direction] * 2 ** 30 + bytes * 2 ** 16 + type * 2 ** 8 + number;
}

/** Answers what the kernel answers, which for most requests is 0. */
export const ioctl = checked<[fd: number, request: number, structure: Uint8Array | null]>(
	"int ioctl(int fd, unsigned long request, void *structure)",
);

/** With the directory open, as most requests about a file system want it. */
export function withDirectory<T>(path: string, body: (fd: number) => T): T {
	const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
	try {
		return body(fd);
	} finally {
		closeSync(fd);
	}
}
