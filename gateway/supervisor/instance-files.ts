/** The files of an instance, when it is taken away for good. */
import { readdirSync } from "node:fs";
import { rm, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { Paths } from "#lib/config/paths.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { mountinfo } from "#lib/linux/mount/mountinfo.ts";
import type { Failed } from "../peers/emptying.ts";
import { supervisorFaults } from "./faults.ts";
import { diskProblem } from "./root-folder.ts";

/** The tour's archive, below the root. */
export const TOUR = "demo";

/** volumed's file, and those that SQLite keeps beside it. */
const RECORDS = /^volumed\.db/;

/** Whether a service has anything to undo. What volumed keeps for its volumes is no such thing. */
export function hasStateOfServices(paths: Paths): boolean {
	return entries(join(paths.root, "state")).some((name) => !RECORDS.test(name));
}

export function volumesOnDisk(paths: Paths): string[] {
	return entries(paths.volumes).filter((name) => !name.startsWith(".")); // volumed's own
}

/**
 * The settings are the operator's and stay. Volumes stay with volumed's file, which has their labels, unless they are to go too; what
 * volumed once set aside stays with them. Tells of all that cannot be removed. STILL_MOUNTED: then nothing was.
 */
export async function removeFiles(
	paths: Paths,
	{ volumesToo, keepsRecords }: { readonly volumesToo: boolean; readonly keepsRecords: boolean },
	failed: Failed,
): Promise<void> {
	// Removing goes into what is mounted: nothing is removed as long as something is.
	const mounted = mountinfo().find(({ target }) => target.startsWith(`${paths.root}/`));
	if (mounted !== undefined) throw supervisorFaults.STILL_MOUNTED({ path: mounted.target });
	const state = join(paths.root, "state");
	const stateFiles = entries(state).filter((name) => !(keepsRecords && RECORDS.test(name)));
	const targets = [
		...[paths.run, paths.containers, paths.nats, paths.logs, join(paths.root, TOUR)],
		...stateFiles.map((name) => join(state, name)),
		...(volumesToo ? [paths.volumes] : []),
	];
	const emptyOnes = [".trash", ".lost+found", ".going", ".snapshots", ""].map((name) => join(paths.volumes, name));
	const steps = [
		...targets.map((path) => [path, () => removeTree(path)] as const),
		...[...(volumesToo ? [] : emptyOnes), state, paths.root].map((path) => [path, () => removeEmpty(path)] as const),
	];
	const kept = new Map<string, string[]>();
	for (const [path, step] of steps) {
		try {
			await step();
		} catch (error) {
			const problem = diskProblem(error);
			kept.set(problem, [...(kept.get(problem) ?? []), culprit(error) ?? path]);
		}
	}
	for (const [problem, all] of kept) failed(supervisorFaults.FILES_LEFT({ paths: all.join(", "), problem }));
}

function entries(folder: string): string[] {
	try {
		return readdirSync(folder);
	} catch {
		return [];
	}
}

/** What does not go names itself in the error: `rm` tries it as a directory in the end, and says only that it is none. */
async function removeTree(path: string): Promise<void> {
	try {
		await rm(path, { recursive: true, force: true });
	} catch (error) {
		const { code, path: file } = error as NodeJS.ErrnoException; // of a system call
		if (code !== "ENOTDIR" || file === undefined) throw error;
		await unlink(file);
		await removeTree(path);
	}
}

/** The one file that may not be removed; undefined: it is about all of them. */
function culprit(error: unknown): string | undefined {
	return isErrno(error, "EPERM", "EACCES") ? (error as NodeJS.ErrnoException).path : undefined;
}

async function removeEmpty(folder: string): Promise<void> {
	try {
		await rmdir(folder);
	} catch (error) {
		// The root may be a file system of its own.
		if (!isErrno(error, "ENOENT", "ENOTEMPTY", "EBUSY")) throw error;
	}
}
