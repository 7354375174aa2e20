/** Owner, mode, times and extended attributes of a directory, given to another one: xattr(7). */
import { chmodSync, chownSync, statSync, utimesSync } from "node:fs";
import { atCall, type Call, checked } from "./libc.ts";
import { isErrno } from "./libc.ts";

const listxattr = checked<[path: string, list: Uint8Array | null, size: number]>(
	"long listxattr(const char *path, char *list, size_t size)",
);
const getxattr = checked<[path: string, name: string, value: Uint8Array | null, size: number]>(
	"long getxattr(const char *path, const char *name, void *value, size_t size)",
);
const setxattr = checked<[path: string, name: string, value: Uint8Array, size: number, flags: number]>(
	"int setxattr(const char *path, const char *name, const void *value, size_t size, int flags)",
);

/** The kernel's own bounds: XATTR_LIST_MAX, XATTR_SIZE_MAX. */
const LONGEST = 65_536;

/** `from` is a handle (`O_PATH` will do) of a directory, `to` a path. Attributes that the file system of `to` cannot hold are left out. */
export function copyDirectoryAttributes(from: number, to: string): void {
	const source = `/proc/self/fd/${from}`;
	const { uid, gid, mode, atime, mtime } = statSync(source);
	chownSync(to, uid, gid);
	chmodSync(to, mode & 0o7777);
	for (const name of namesAt(source)) copyAttribute(source, to, name);
	utimesSync(to, atime, mtime);
}

function namesAt(path: string): string[] {
	const list = Buffer.alloc(LONGEST);
	const length = supported(() => atCall(`listxattr ${path}`, () => listxattr(path, list, LONGEST))) ?? 0;
	return list
		.toString("utf8", 0, length)
		.split("\0")
		.filter((name) => name !== "");
}

function copyAttribute(from: string, to: string, name: string): void {
	const value = Buffer.alloc(LONGEST);
	const length = supported(() => atCall(`getxattr ${name} ${from}`, () => getxattr(from, name, value, LONGEST)));
	if (length === undefined) return;
	supported(() => atCall(`setxattr ${name} ${to}`, () => setxattr(to, name, value.subarray(0, length), length, 0)));
}

/** Undefined: the file system has no such attributes, or not this one any more. */
function supported(call: () => ReturnType<Call<[]>>): number | undefined {
	try {
		return call();
	} catch (error) {
		if (isErrno(error, "EOPNOTSUPP", "ENODATA")) return undefined;
		throw error;
	}
}
