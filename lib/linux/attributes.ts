/** Owner, mode, times and extended attributes of a directory, given to another one: xattr(7). */
import { chmodSync, chownSync, closeSync, constants, openSync, statSync, utimesSync } from "node:fs";
import { attributesAt, setAttribute } from "./files/attributes.ts";
import { must } from "./libc.ts";

const EOPNOTSUPP = 95;

/** `from` is a handle (`O_PATH` will do) of a directory, `to` a path. Attributes that the file system of `to` cannot hold are left out. */
export function copyDirectoryAttributes(from: number, to: string): void {
	const { uid, gid, mode, atime, mtime } = statSync(`/proc/self/fd/${from}`);
	chownSync(to, uid, gid);
	chmodSync(to, mode & 0o7777);
	using opened = new DisposableStack();
	const target = opened.adopt(openSync(to, constants.O_RDONLY | constants.O_DIRECTORY), closeSync);
	for (const [name, value] of attributesAt(from, ".")) {
		const set = setAttribute(target, name, value);
		if (set !== -EOPNOTSUPP) must(set, `setxattr ${name} ${to}`);
	}
	utimesSync(to, atime, mtime);
}
