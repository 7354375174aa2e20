/** Who a process is: its pid and when it was started, for a pid alone is soon somebody else's. Source: proc_pid_stat(5), pidfd_open(2). */
import { closeSync, readFileSync } from "node:fs";
import { checked, isErrno } from "./libc.ts";

const SYS_PIDFD_SEND_SIGNAL = 424;
const SYS_PIDFD_OPEN = 434;
const PF_KTHREAD = 0x20_0000;

const pidfdOpen = checked<[number: number, pid: number, flags: number]>(
	"long syscall(long number, int pid, int flags)",
);
const pidfdSendSignal = checked<[number: number, fd: number, signal: number, info: null, flags: number]>(
	"long syscall(long number, int fd, int signal, void *info, unsigned int flags)",
);

export interface ProcessIdentity {
	readonly pid: number;
	/** `<boot id>:<clock ticks since boot>` */
	readonly start: string;
}

/** Undefined: no process has the pid, only what is left of one (a zombie), or a thread of the kernel's own. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
	// The program's name is in parentheses and may contain anything, these too.
	const stat = statOf(pid);
	const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
	const [state, flags, ticks] = [fields[0], Number(fields[6]), fields[19]];
	if (ticks === undefined || state === "Z" || state === "X" || (flags & PF_KTHREAD) !== 0) return undefined;
	return { pid, start: `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}:${ticks}` };
}

function statOf(pid: number): string {
	try {
		return readFileSync(`/proc/${pid}/stat`, "utf8");
	} catch (error) {
		if (isErrno(error, "ENOENT", "ESRCH")) return "";
		throw error;
	}
}

/** A process that is watched from when it was found to be the one that is meant. */
export interface HeldProcess extends Disposable {
	readonly pid: number;
	/** True: what was read below `/proc/<pid>` until now was this process's, and nobody else's. */
	isThere(): boolean;
}

/** Undefined: that process is not there any more. */
export function holdProcess({ pid, start }: ProcessIdentity): HeldProcess | undefined {
	const fd = openPidfd(pid);
	if (fd === undefined) return undefined;
	if (identifyProcess(pid)?.start !== start) {
		closeSync(fd);
		return undefined;
	}
	return { pid, isThere: () => isThere(fd), [Symbol.dispose]: () => closeSync(fd) };
}

function openPidfd(pid: number): number | undefined {
	try {
		return pidfdOpen(SYS_PIDFD_OPEN, pid, 0);
	} catch (error) {
		// EINVAL and ENOENT: a number that no process can have, or a thread's.
		if (isErrno(error, "ESRCH", "EINVAL", "ENOENT")) return undefined;
		throw error;
	}
}

function isThere(fd: number): boolean {
	try {
		pidfdSendSignal(SYS_PIDFD_SEND_SIGNAL, fd, 0, null, 0);
		return true;
	} catch (error) {
		if (isErrno(error, "ESRCH")) return false;
		throw error;
	}
}
