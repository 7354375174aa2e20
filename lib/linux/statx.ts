/** Which mount a descriptor is on, which `stat` does not say, and what it says without asking a server. Source: statx(2); the mount's number since Linux 5.8. */
import { atCall, checked } from "./libc.ts";

const AT_EMPTY_PATH = 0x1000;
/** A file system whose server is gone answers what it remembers. */
const AT_STATX_DONT_SYNC = 0x4000;
const STATX_TYPE = 0x1;
const STATX_INO = 0x100;
const STATX_MNT_ID = 0x1000;
const STATX_ATTR_MOUNT_ROOT = 0x2000n;

const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;

/** `struct statx`: stx_attributes at 8, stx_mode at 28, stx_ino at 32, stx_mnt_id at 144. */
const STATX_BYTES = 256;

const statx = checked<[dfd: number, path: string, flags: number, mask: number, out: Uint8Array]>(
	"int statx(int dirfd, const char *path, int flags, unsigned int mask, void *buffer)",
);

export interface MountPlace {
	/** As in mountinfo. Another mount gets it when this one has gone, so keep the descriptor open as long as it counts. */
	readonly mountId: number;
	/** It is the very place where that mount is. */
	readonly isRoot: boolean;
	readonly isDirectory: boolean;
	readonly inode: bigint;
}

export function mountPlaceOf(fd: number): MountPlace {
	const out = Buffer.alloc(STATX_BYTES);
	const mask = STATX_TYPE | STATX_INO | STATX_MNT_ID;
	atCall(`statx fd ${fd}`, () => statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, mask, out));
	return {
		mountId: Number(out.readBigUInt64LE(144)),
		isRoot: (out.readBigUInt64LE(8) & STATX_ATTR_MOUNT_ROOT) !== 0n,
		isDirectory: (out.readUInt16LE(28) & S_IFMT) === S_IFDIR,
		inode: out.readBigUInt64LE(32),
	};
}
