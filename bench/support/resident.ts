import { readFileSync } from "node:fs";

/** What of a process is resident, in MB. */
export function residentMb(pid: number | undefined): number {
	return megabytes(pid, /^VmRSS:\s+(\d+)/m);
}

/** What of that is the process's own: without the pages of files, which processes of one program share. */
export function anonymousMb(pid: number | undefined): number {
	return megabytes(pid, /^RssAnon:\s+(\d+)/m);
}

/** The most that ever was resident, in MB. */
export function peakMb(pid: number | undefined): number {
	return megabytes(pid, /^VmHWM:\s+(\d+)/m);
}

function megabytes(pid: number | undefined, line: RegExp): number {
	return Number(line.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1_024;
}
