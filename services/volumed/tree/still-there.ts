/** What was made where others can write as well, and is opened again. */
import { errnoName, must } from "#lib/linux/libc.ts";
import { volumeFaults } from "../faults.ts";

/** It has gone, or a file, a link, a mount or a socket is in its place. Anything else may be better the next time. */
const CHANGED = new Set(["ENOENT", "ENOTDIR", "ELOOP", "EXDEV", "ENXIO"]);

/** `result` is a descriptor or an errno, `name` what was opened within the content at `path`. Fault: STAGE_CHANGED. */
export function stillThere(result: number, path: string, name: string): number {
	if (result < 0 && CHANGED.has(errnoName(-result)))
		throw volumeFaults.STAGE_CHANGED({ path, problem: `${name} is not where it was made` });
	return must(result, `open ${name} in ${path}`);
}
