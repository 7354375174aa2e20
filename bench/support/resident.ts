import { readFileSync } from "node:fs";

/** What of a process is resident, in MB. */
export function residentMb(pid: number | undefined): number {
	return megabytes(pid, /^VmRSS:\s+(\d+)/m);
}

/** The most of it that ever was, in MB. */
export function peakMb(pid: number | undefined): number {
	return megabytes(pid, /^VmHWM:\s+(\d+)/m);
}

function megabytes(pid: number | undefined, line: RegExp): number {
	return Number(line.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1_024;
}
