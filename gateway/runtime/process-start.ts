/** When a process was started: with its pid, the identity of a process. */
import { identifyProcess } from "#lib/linux/process.ts";

/** `<boot id>:<clock ticks since boot>`; undefined when no process has the pid, or only what is left of one (a zombie). */
export function processStart(pid: number): string | undefined {
	return identifyProcess(pid)?.start;
}

export function isAlive({ pid, start }: { readonly pid: number; readonly start: string }): boolean {
	return pid > 0 && processStart(pid) === start;
}
