/**
 * Directories below one that is open, by their path: the kernel resolves it, leaves the directory for nothing, follows no symlink and
 * enters no other mount. openat2(2), Linux 5.6.
 */
import { FixedMemory, tried } from "../libc.ts";
import { nameAt } from "./name-bytes.ts";
import { closeFile, openDirectory } from "./open.ts";

const SYS_OPENAT2 = 437;
const O_PATH = 0o10000000;
const O_DIRECTORY = 0o200000;
const O_CLOEXEC = 0o2000000;
const RESOLVE_NO_XDEV = 0x01;
const RESOLVE_NO_MAGICLINKS = 0x02;
const RESOLVE_NO_SYMLINKS = 0x04;
const RESOLVE_BENEATH = 0x08;

/** `struct open_how`: flags, mode, resolve. */
const OPEN_HOW_BYTES = 24;
const how = new FixedMemory(Buffer.alloc(OPEN_HOW_BYTES));
how.bytes.writeBigUInt64LE(BigInt(O_PATH | O_DIRECTORY | O_CLOEXEC), 0);
how.bytes.writeBigUInt64LE(BigInt(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV), 16);
const openat2 = tried<[number: number, directory: number, path: number, how: number, size: number]>(
	"long syscall(long number, int directory, uintptr_t path, uintptr_t how, size_t size)",
);

/** A handle (`O_PATH`) to make and name things in it. `path` is a string with a character a byte (`latin1`). An errno, negative, when it is none. */
export function directoryBeneath(directory: number, path: string): number {
	return openat2(SYS_OPENAT2, directory, nameAt(path), how.address, OPEN_HOW_BYTES);
}

/** As above, but to be read as well, with an offset of its own; without a path it is the directory itself. */
export function openDirectoryBeneath(directory: number, path: string): number {
	if (path === "") return openDirectory(directory, ".");
	const handle = directoryBeneath(directory, path);
	if (handle < 0) return handle;
	try {
		return openDirectory(handle, ".");
	} finally {
		closeFile(handle);
	}
}
