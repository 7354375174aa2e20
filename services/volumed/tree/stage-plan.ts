/**
 * How what is staged becomes a volume's content, written down before the first move: what has to be known again when the moves are gone
 * on with after a kill. A directory's time changes as soon as something is moved out of it, so it is in here.
 *
 * It lies where others may write, so it is known by a seal, which is kept elsewhere: its length and its digest.
 */
import { createHash } from "node:crypto";
import { readAt } from "#lib/linux/files/content.ts";
import { makeFile, writeAt } from "#lib/linux/files/make.ts";
import { closeFile, openFile } from "#lib/linux/files/open.ts";
import { FileStatus, S_IFREG } from "#lib/linux/files/status.ts";
import { FixedMemory, must } from "#lib/linux/libc.ts";
import { volumeFaults } from "../faults.ts";
import type { Entering } from "../kernel/inner-stages.ts";
import { stillThere } from "./still-there.ts";

const NAME = "plan";

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

/** Into the stage's folder. Answers its seal. Throws a LinuxError. */
export function writePlan(folder: number, plan: StagePlan): string {
	const bytes = Buffer.from(JSON.stringify(plan));
	const fd = must(makeFile(folder, NAME), "open plan");
	try {
		must(writeAt(fd, bytes, 0), "write plan");
	} finally {
		closeFile(fd);
	}
	return sealOf(bytes);
}

/** The path is the content's, for people. Throws a LinuxError; fault: STAGE_CHANGED. */
export function readPlan(folder: number, seal: string, path: string): StagePlan {
	const fd = stillThere(openFile(folder, NAME), path, "its plan");
	try {
		const bytes = sealedIn(fd, seal);
		if (bytes !== undefined) return JSON.parse(bytes.toString("utf8")); // as it was written above
		throw volumeFaults.STAGE_CHANGED({ path, problem: "its plan is not the one that was written" });
	} finally {
		closeFile(fd);
	}
}

/** Undefined: it is not the one of this seal. */
function sealedIn(fd: number, seal: string): Buffer | undefined {
	const status = new FileStatus();
	must(status.ofDescriptor(fd), "statx");
	if (status.type !== S_IFREG || status.size !== lengthOf(seal)) return undefined;
	const { bytes, address } = new FixedMemory(Buffer.from(new ArrayBuffer(status.size)));
	readAt(fd, address, bytes.length, 0);
	return sealOf(bytes) === seal ? bytes : undefined;
}

function sealOf(bytes: Buffer): string {
	return `${bytes.length}:${createHash("sha256").update(bytes).digest("hex")}`;
}

function lengthOf(seal: string): number {
	return Number.parseInt(seal, 10);
}
