/** How many files a container's process may open: systemd's limit, or this process's own where that is lower and may not be raised. */
import { readFileSync } from "node:fs";

const WANTED = 524_288;

export function openFilesLimit(): number {
	const [, hard = ""] = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
	const own = Number(hard); // "unlimited" is NaN
	return Number.isNaN(own) ? WANTED : Math.min(WANTED, own);
}
