import { readFileSync } from "node:fs";
import { basename } from "node:path";

/** What is mounted of or in a scratch folder, by its name that nobody else has; other tests mount beside. */
export function mountsOf(folder: string): string[] {
	const mounts = readFileSync("/proc/thread-self/mountinfo", "utf8").split("\n");
	return mounts.filter((line) => line.includes(basename(folder)));
}
