import { readFileSync } from "node:fs";

/** What of a process is resident, in MB. */
export function residentMb(pid: number | undefined): number {
	const status = readFileSync(`/proc/${pid}/status`, "utf8");
	return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1_024;
}
