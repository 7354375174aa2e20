/** Looks at what is at a path. They wait as long as its file system is silent: for `aside.ts`. */
import { closeSync, fstatSync, openSync, readdirSync, realpathSync, statSync } from "node:fs";
import { isErrno } from "./libc.ts";
import { openInRoot } from "./mount/open-beneath.ts";

/** Links are followed. An error of the system's that says of nothing that it is absent. */
export function existsAt(path: string): boolean {
	try {
		statSync(path);
		return true;
	} catch (error) {
		if (isErrno(error, "ENOENT", "ENOTDIR", "ELOOP")) return false;
		throw error;
	}
}

/** Without links; undefined: there is no such path. */
export function realPathOf(path: string): string | undefined {
	try {
		return realpathSync(path);
	} catch (error) {
		if (isErrno(error, "ENOENT", "ENOTDIR", "ELOOP", "EACCES", "ENAMETOOLONG")) return undefined;
		throw error;
	}
}

type Found = "absent" | "file" | "empty" | "content";

/** For each of the paths; `content`: a directory with something in it. Whatever links there are, it is inside of the root. */
export function allFoundInRoot(root: string, paths: readonly string[]): Found[] {
	return paths.map((path) => foundInRoot(root, path));
}

function foundInRoot(root: string, path: string): Found {
	const fd = openInside(root, path);
	if (fd === undefined) return "absent";
	try {
		if (!fstatSync(fd).isDirectory()) return "file";
		return readdirSync(`/proc/self/fd/${fd}`).length === 0 ? "empty" : "content";
	} finally {
		closeSync(fd);
	}
}

/** A handle (`O_PATH`), the caller's to close; undefined: there is nothing. */
export function openInside(root: string, path: string): number | undefined {
	let image: number | undefined;
	try {
		image = openSync(root, "r");
		return openInRoot(image, path);
	} catch (error) {
		if (isErrno(error, "ENOENT", "ENOTDIR", "ELOOP", "ENAMETOOLONG")) return undefined;
		throw error;
	} finally {
		if (image !== undefined) closeSync(image);
	}
}
