/** A file that is nowhere: for a program that reads something from a file which is not to be seen in a directory or a list of processes. */
import { closeSync, writeSync } from "node:fs";
import { checked } from "./libc.ts";

const MFD_CLOEXEC = 1;

const memfdCreate = checked<[name: string, flags: number]>("int memfd_create(const char *name, unsigned int flags)");

/** Its descriptor is the caller's to close; a child reads it from the beginning as `/proc/self/fd/N`. */
export function memoryFile(name: string, text: string): number {
	const fd = memfdCreate(name, MFD_CLOEXEC);
	try {
		writeSync(fd, text);
		return fd;
	} catch (error) {
		closeSync(fd);
		throw error;
	}
}
