/**
 * Why a runtime could not mount something: a directory on a file, or a file on a directory. Looked for when it has failed, in the
 * container's root file system as the image has it.
 */
import { closeSync, fstatSync, openSync, statSync } from "node:fs";
import { isErrno } from "#lib/linux/libc.ts";
import { openInRoot } from "#lib/linux/mount/open-beneath.ts";

interface Wanted {
	readonly destination: string;
	readonly source: string;
	readonly type: string;
}

export interface Unfit {
	readonly destination: string;
	/** Ends a sentence. */
	readonly problem: string;
}

/** The first of the mounts that its destination does not fit, or undefined. */
export function findUnfit(rootfs: string, wanted: readonly Wanted[]): Unfit | undefined {
	const root = openSync(rootfs, "r");
	try {
		for (const { destination, source, type } of wanted) {
			// What is there below another mount, the image does not say.
			if (wanted.some((other) => destination.startsWith(`${other.destination}/`))) continue;
			const there = kindAt(root, destination);
			const mounted = type === "bind" ? kindOf(source) : "directory";
			if (there === "below a file") return { destination, problem: "a part of that path is a file" };
			if (there === undefined || mounted === undefined || there === mounted) continue;
			return { destination, problem: `there is a ${there}, and it is a ${mounted}` };
		}
		return undefined;
	} finally {
		closeSync(root);
	}
}

/** Links of the image are followed inside it, as the runtime does. */
function kindAt(root: number, path: string): "file" | "directory" | "below a file" | undefined {
	try {
		const found = openInRoot(root, path);
		try {
			return fstatSync(found).isDirectory() ? "directory" : "file";
		} finally {
			closeSync(found);
		}
	} catch (error) {
		if (isErrno(error, "ENOTDIR")) return "below a file";
		if (isErrno(error, "ENOENT", "ELOOP")) return undefined;
		throw error;
	}
}

function kindOf(path: string): "file" | "directory" | undefined {
	const found = statSync(path, { throwIfNoEntry: false });
	return found && (found.isDirectory() ? "directory" : "file");
}
