/** Descriptors of this process. */
import { checked } from "../libc.ts";

const F_DUPFD_CLOEXEC = 1030;

const fcntl = checked<[fd: number, command: number, least: number]>("int fcntl(int fd, int command, int least)");

/** Another one of the same open file, with the same offset; the caller's to close. It is closed in a program that is started. */
export function duplicate(fd: number): number {
	return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}
