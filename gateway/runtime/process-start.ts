/** When a process was started: with its pid, the identity of a process. Source: proc_pid_stat(5), field 22. */
import { readFileSync } from "node:fs";

/** `<boot id>:<clock ticks since boot>`; undefined when no process has the pid, or only what is left of one (a zombie). */
export function processStart(pid: number): string | undefined {
	let stat: string;
	try {
		stat = readFileSync(`/proc/${pid}/stat`, "utf8");
	} catch {
		return undefined;
	}
	// The program's name is in parentheses and may contain anything, these too.
	const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
	const [state] = fields;
	const ticks = fields[19];
	if (ticks === undefined || state === "Z" || state === "X") return undefined;
	return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}:${ticks}`;
}

export function isAlive({ pid, start }: { readonly pid: number; readonly start: string }): boolean {
	return pid > 0 && processStart(pid) === start;
}
