/** The instance's folders, made one by one: `mkdir` with `recursive` says the wrong thing on a read-only disk, and never returns below /proc. */
import { accessSync, constants, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Paths } from "#lib/config/paths.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { supervisorFaults } from "./faults.ts";

/** Idempotent. Fault: ROOT_UNUSABLE. */
export function makeFolders({ root, run }: Pick<Paths, "root" | "run">): void {
	try {
		for (const folder of [...missing(root), run]) make(folder);
		// A folder that is there says nothing of its file system, which may have been made read-only since.
		accessSync(run, constants.W_OK);
	} catch (error) {
		throw supervisorFaults.ROOT_UNUSABLE({ root, problem: diskProblem(error) }, { cause: error });
	}
}

/** The folder and those above it that are not there, the uppermost first. */
function missing(folder: string): string[] {
	if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return [];
	return [...(dirname(folder) === folder ? [] : missing(dirname(folder))), folder];
}

function make(folder: string): void {
	try {
		mkdirSync(folder, { mode: 0o755 });
	} catch (error) {
		if (!isErrno(error, "EEXIST") || !statSync(folder).isDirectory()) throw error;
	}
}

/** What a file system refused, in words. */
export function diskProblem(error: unknown): string {
	if (isErrno(error, "EROFS")) return "the file system is read-only";
	if (isErrno(error, "ENOSPC")) return "the file system is full";
	if (isErrno(error, "EPERM", "EACCES"))
		return "it may not be changed: it is immutable (`chattr -i` ends that, of it and its directory), or of a network file system";
	if (isErrno(error, "ENOTDIR", "EEXIST")) return "there is a file and no directory";
	if (isErrno(error, "ENOENT")) return "no directory can be made there";
	return (error as Error).message;
}
