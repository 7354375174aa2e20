/**
 * How what is staged becomes a volume's content, written down before the first move: what has to be known again when the moves are gone
 * on with after a kill. A directory's time changes as soon as something is moved out of it, so it is in here.
 */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import type { Entering } from "../kernel/inner-stages.ts";

/** A directory that is staged and in the content as well, and stays the content's: what is in the one goes to the other. */
export interface Joined {
	/** As `placeOf` gives it. */
	readonly place: string;
	/** Undefined: the archive says nothing of it, and it stays as it is. */
	readonly time: readonly [seconds: number, nanoseconds: number] | undefined;
}

export interface StagePlan {
	readonly entering: Entering;
	/** Outer before inner; the root is the first one. */
	readonly joined: readonly Joined[];
}

export function writePlan(path: string, plan: StagePlan): void {
	const fd = openSync(path, "wx", 0o600);
	try {
		writeSync(fd, JSON.stringify(plan));
	} finally {
		closeSync(fd);
	}
}

export function readPlan(path: string): StagePlan {
	return JSON.parse(readFileSync(path, "utf8")); // as it was written above
}
