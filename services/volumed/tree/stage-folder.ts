/**
 * The directory of a stage within a volume's content: one in another one (`stage-name.ts`), both for root alone.
 *
 * It is made, opened and removed below a descriptor of the content, through no link. What somebody has put in its place is not taken for it.
 */
import { closeSync } from "node:fs";
import { openDirectoryBeneath } from "#lib/linux/files/beneath.ts";
import { dateOf, makeDirectory, removeName } from "#lib/linux/files/make.ts";
import { closeFile, openDirectory } from "#lib/linux/files/open.ts";
import { FileStatus, S_IFDIR } from "#lib/linux/files/status.ts";
import { errnoName, must } from "#lib/linux/libc.ts";
import { volumeFaults } from "../faults.ts";
import { stageName } from "../stage-name.ts";
import { openRoot } from "./destination.ts";
import { stillThere } from "./still-there.ts";

const PERMISSIONS = 0o777;
/** Something else has the name, or nothing. */
const NOT_OURS = new Set(["ENOENT", "ENOTDIR", "ELOOP"]);

/** From the content's root. */
export function stagePlace(id: string): string {
	return `${stageName(id)}/${id}`;
}

/** Makes it, has `fill` make what is in it, and leaves the content's time as it was. Throws a LinuxError; fault: STAGE_CHANGED. */
export function makeStageFolder(content: string, id: string, fill: (folder: number) => void): void {
	keepingTime(content, (root) => {
		using opened = new DisposableStack();
		must(makeDirectory(root, stageName(id)), "mkdir");
		const outer = opened.adopt(stillThere(openDirectory(root, stageName(id)), content, "the stage"), closeFile);
		must(makeDirectory(outer, id), "mkdir");
		const folder = opened.adopt(stillThere(openDirectory(outer, id), content, "the stage"), closeFile);
		if (kindOf(outer) !== kindOf(folder))
			throw volumeFaults.STAGE_CHANGED({ path: content, problem: "its directory is somebody else's" });
		fill(folder);
	});
}

/** Whose it is and who may do what: the same of all directories that were just made, whatever the file system makes of that. */
function kindOf(directory: number): string {
	const status = new FileStatus();
	must(status.ofDescriptor(directory), "statx");
	return `${status.uid} ${status.mode & PERMISSIONS}`;
}

/** `root` is the open content at the path. Fault: STAGE_CHANGED. */
export function openStageFolder(root: number, content: string, id: string): number {
	return stillThere(openDirectoryBeneath(root, stagePlace(id)), content, "the stage");
}

/** The directory that it is in, under its id; undefined when it is not there. */
export function openAroundStage(content: string, id: string): number | undefined {
	const root = openRoot(content);
	try {
		const outer = openDirectory(root, stageName(id));
		if (isNotOurs(outer)) return undefined;
		must(outer, "open the stage");
		const status = new FileStatus();
		if (status.ofName(outer, id) === 0 && status.type === S_IFDIR) return outer;
		closeFile(outer);
		return undefined;
	} finally {
		closeSync(root);
	}
}

/** What is in it has gone before. Idempotent; what is somebody else's stays. Throws a LinuxError. */
export function removeStageFolder(content: string, id: string): void {
	keepingTime(content, (root) => {
		const outer = openDirectory(root, stageName(id));
		if (isNotOurs(outer)) return;
		must(outer, "open the stage");
		try {
			const removed = removeName(outer, id, true);
			if (!isNotOurs(removed)) must(removed, "rmdir");
		} finally {
			closeFile(outer);
		}
		const removed = removeName(root, stageName(id), true);
		if (!isNotOurs(removed) && errnoName(-removed) !== "ENOTEMPTY") must(removed, "rmdir");
	});
}

function isNotOurs(result: number): boolean {
	return result < 0 && NOT_OURS.has(errnoName(-result));
}

/** When the stage comes and goes, the content was not changed. */
function keepingTime(content: string, body: (root: number) => void): void {
	const root = openRoot(content);
	try {
		const status = new FileStatus();
		must(status.ofDescriptor(root), "statx");
		const { mtimeSeconds, mtimeNanoseconds } = status;
		body(root);
		must(dateOf(root, null, mtimeSeconds, mtimeNanoseconds), "utimensat");
	} finally {
		closeSync(root);
	}
}
