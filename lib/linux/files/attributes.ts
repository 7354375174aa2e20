/** Extended attributes of what is open, and of names: xattr(7). Their names are strings with a character a byte (`latin1`), as all here. */
import { FixedMemory, LinuxError, tried } from "../libc.ts";
import { nameAt } from "./name-bytes.ts";

/** The kernel's own bounds: XATTR_LIST_MAX, XATTR_SIZE_MAX. */
const LONGEST = 65_536;

const flistxattr = tried<[fd: number, list: number, size: number]>(
	"long flistxattr(int fd, uintptr_t list, size_t size)",
);
const fgetxattr = tried<[fd: number, name: number, value: number, size: number]>(
	"long fgetxattr(int fd, uintptr_t name, uintptr_t value, size_t size)",
);
const llistxattr = tried<[path: Uint8Array, list: number, size: number]>(
	"long llistxattr(const uint8_t *path, uintptr_t list, size_t size)",
);
const lgetxattr = tried<[path: Uint8Array, name: number, value: number, size: number]>(
	"long lgetxattr(const uint8_t *path, uintptr_t name, uintptr_t value, size_t size)",
);

const fsetxattr = tried<[fd: number, name: number, value: Uint8Array, size: number, flags: number]>(
	"int fsetxattr(int fd, uintptr_t name, const uint8_t *value, size_t size, int flags)",
);
const fremovexattr = tried<[fd: number, name: number]>("int fremovexattr(int fd, uintptr_t name)");
const lsetxattr = tried<[path: Uint8Array, name: number, value: Uint8Array, size: number, flags: number]>(
	"int lsetxattr(const uint8_t *path, uintptr_t name, const uint8_t *value, size_t size, int flags)",
);

const ENOENT = 2;
const ENODATA = 61;
const EOPNOTSUPP = 95;
/** Gone since they were listed; some file systems list what they do not give. */
const MEANWHILE = new Set([ENOENT, ENODATA, EOPNOTSUPP]);

export type Attributes = ReadonlyMap<string, Buffer>;

const NONE: Attributes = new Map();
const list = new FixedMemory(Buffer.alloc(LONGEST));
const value = new FixedMemory(Buffer.alloc(LONGEST));

/** Of an open file. None where the file system has none. A LinuxError when they cannot be read. */
export function attributesOf(fd: number): Attributes {
	const length = listed(flistxattr(fd, list.address, LONGEST));
	return length === 0 ? NONE : valuesOf(length, (name) => fgetxattr(fd, nameAt(name), value.address, LONGEST));
}

/** Of a name in a directory, itself if it is a symlink: for what cannot be opened. */
export function attributesAt(directory: number, name: string): Attributes {
	const path = pathAt(directory, name);
	const length = listed(llistxattr(path, list.address, LONGEST));
	return length === 0 ? NONE : valuesOf(length, (key) => lgetxattr(path, nameAt(key), value.address, LONGEST));
}

function listed(length: number): number {
	if (length >= 0) return length;
	if (length === -EOPNOTSUPP || length === -ENOENT) return 0;
	throw new LinuxError(-length, "listxattr");
}

/** In the order of their names, which the kernel does not promise. One that goes meanwhile is left out. */
function valuesOf(listed: number, get: (name: string) => number): Attributes {
	const names = list.bytes.toString("latin1", 0, listed - 1).split("\0");
	const found = new Map<string, Buffer>();
	for (const name of names.sort()) {
		const length = get(name);
		if (length >= 0) found.set(name, Buffer.from(value.bytes.subarray(0, length)));
		else if (!MEANWHILE.has(-length)) throw new LinuxError(-length, `getxattr ${name}`);
	}
	return found;
}

/** Of an open file. 0, or an errno, negative. */
export function setAttribute(fd: number, name: string, bytes: Uint8Array): number {
	return fsetxattr(fd, nameAt(name), bytes, bytes.length, 0);
}

/** Of an open file. 0, or an errno, negative. */
export function removeAttribute(fd: number, name: string): number {
	return fremovexattr(fd, nameAt(name));
}

/** Of a name in a directory, itself if it is a symlink. 0, or an errno, negative. */
export function setAttributeAt(directory: number, file: string, name: string, bytes: Uint8Array): number {
	return lsetxattr(pathAt(directory, file), nameAt(name), bytes, bytes.length, 0);
}

function pathAt(directory: number, file: string): Buffer {
	return Buffer.from(`/proc/self/fd/${directory}/${file}\0`, "latin1");
}
