/**
 * btrfs: subvolumes and what they may hold, btrfs-ioctl(2) and <linux/btrfs.h>.
 *
 * Every call is synchronous and may wait for the file system's transaction: where that matters, `aside.ts` runs it on another thread.
 */
import { readFileSync, statfsSync, statSync } from "node:fs";
import { dirname, join, basename } from "node:path";
import { ioctl, requestNumber, withDirectory } from "./ioctl.ts";
import { atCall, isErrno } from "./libc.ts";

const SUPER_MAGIC = 0x9123683e;
/** The inode of every subvolume's own directory. */
const SUBVOLUME_INODE = 256n;

const request = (direction: "write" | "read" | "both", number: number, bytes: number): number =>
	requestNumber(direction, 0x94, number, bytes);
const ARGS_BYTES = 4096;
const SUBVOL_CREATE = request("write", 14, ARGS_BYTES);
const SNAP_CREATE_V2 = request("write", 23, ARGS_BYTES);
const SNAP_DESTROY = request("write", 15, ARGS_BYTES);
const SNAP_DESTROY_V2 = request("write", 63, ARGS_BYTES);
const INO_LOOKUP = request("both", 18, ARGS_BYTES);
const TREE_SEARCH = request("both", 17, ARGS_BYTES);
const FS_INFO_BYTES = 1024;
const FS_INFO = request("read", 31, FS_INFO_BYTES);
const QUOTA_CTL = request("both", 40, 16);
const QGROUP_LIMIT = request("read", 43, 48);

const QUOTA_ENABLE = 1n;
const QUOTA_ENABLE_SIMPLE = 4n;
const LIMIT_MAX_REFERENCED = 1n;
const SUBVOL_RDONLY = 1n << 1n;
const SUBVOL_SPEC_BY_ID = 1n << 4n;

/** In `struct btrfs_ioctl_vol_args` and `_v2`: flags, and the name or the id. */
const NAME_AT = 8;
const FLAGS_AT = 16;
const ID_AT = 56;
const NAME_V2_AT = 56;
/** The tree of trees has an item of this type from each subvolume to each one in it. */
const ROOT_TREE = 1n;
const ROOT_REF = 156;
/** `struct btrfs_ioctl_search_args`: a key, then the items, each with a header. */
const SEARCH_KEY_BYTES = 104;
const SEARCH_HEADER_BYTES = 32;
const SEARCH_ITEMS = 64;
const HIGHEST = 0xffff_ffff_ffff_ffffn;

export interface SubvolumeQuota {
	/** What lies in it, shared with others or not. */
	readonly usedBytes: number;
	/** Undefined: no bound. */
	readonly limitBytes: number | undefined;
}

export function isBtrfs(path: string): boolean {
	return statfsSync(path).type === SUPER_MAGIC;
}

/** `path` is a subvolume's own directory; what is not there is none. */
export function isSubvolume(path: string): boolean {
	const found = statSync(path, { bigint: true, throwIfNoEntry: false });
	return found !== undefined && found.isDirectory() && found.ino === SUBVOLUME_INODE && isBtrfs(path);
}

/** A new one, empty, with the process's umask. EEXIST when something is at the path. */
export function createSubvolume(path: string): void {
	atCall(`btrfs subvolume create ${path}`, () => ofParent(path, SUBVOL_CREATE));
}

/** A copy that cannot be written to, of what the subvolume is at one moment; of others in it there is an empty directory. EXDEV on another file system. */
export function snapshotSubvolume(source: string, path: string): void {
	const args = Buffer.alloc(ARGS_BYTES);
	args.writeBigUInt64LE(SUBVOL_RDONLY, FLAGS_AT);
	args.write(basename(path), NAME_V2_AT);
	withDirectory(source, (fd) => {
		args.writeBigInt64LE(BigInt(fd), 0);
		atCall(`btrfs subvolume snapshot ${source} ${path}`, () =>
			withDirectory(dirname(path), (parent) => ioctl(parent, SNAP_CREATE_V2, args)),
		);
	});
}

/** There are other subvolumes in it. */
export function holdsSubvolumes(path: string): boolean {
	return withDirectory(path, (fd) => childrenOf(fd, idOf(fd)).length > 0);
}

/** Takes the subvolume with everything in it out of the tree, subvolumes in it too; its space comes back later. Absent is success. */
export function destroySubvolume(path: string): void {
	if (!isSubvolume(path)) return;
	withDirectory(path, (fd) => destroyBelow(fd, idOf(fd)));
	atCall(`btrfs subvolume delete ${path}`, () => ofParent(path, SNAP_DESTROY));
}

/**
 * Has the file system account what subvolumes hold; what it does already, in whatever way, stays. Simple quotas where the kernel has them
 * (Linux 6.7): they cost next to nothing, but what was written before is not counted, and a kernel without them does not mount it any more.
 */
export function enableQuota(path: string): void {
	withDirectory(path, (fd) => {
		try {
			quotaControl(fd, path, QUOTA_ENABLE_SIMPLE);
		} catch (error) {
			if (!isErrno(error, "EINVAL", "EOPNOTSUPP")) throw error;
			quotaControl(fd, path, QUOTA_ENABLE);
		}
	});
}

/** Bounds what the subvolume may hold; then writing more is EDQUOT. Quotas must be enabled: otherwise ENOTCONN. */
export function limitSubvolume(path: string, limitBytes: number): void {
	const args = Buffer.alloc(48);
	// A zero means the subvolume that the descriptor is in.
	args.writeBigUInt64LE(LIMIT_MAX_REFERENCED, 8);
	args.writeBigUInt64LE(BigInt(limitBytes), 16);
	withDirectory(path, (fd) => atCall(`btrfs qgroup limit ${limitBytes} ${path}`, () => ioctl(fd, QGROUP_LIMIT, args)));
}

/** What the kernel keeps of it; undefined when it keeps nothing: no subvolume, or no quotas. */
export function subvolumeQuota(path: string): SubvolumeQuota | undefined {
	if (!isSubvolume(path)) return undefined;
	const group = withDirectory(path, (fd) => `/sys/fs/btrfs/${uuidOf(fd)}/qgroups/0_${idOf(fd)}`);
	try {
		const flags = BigInt(sysNumber(join(group, "limit_flags")));
		const limitBytes = sysNumber(join(group, "max_referenced"));
		return {
			usedBytes: sysNumber(join(group, "referenced")),
			limitBytes: (flags & LIMIT_MAX_REFERENCED) === 0n ? undefined : limitBytes,
		};
	} catch (error) {
		if (isErrno(error, "ENOENT")) return undefined;
		throw error;
	}
}

function sysNumber(path: string): number {
	return Number(readFileSync(path, "utf8"));
}

function quotaControl(fd: number, path: string, command: bigint): void {
	const args = Buffer.alloc(16);
	args.writeBigUInt64LE(command, 0);
	atCall(`btrfs quota enable ${path}`, () => ioctl(fd, QUOTA_CTL, args));
}

/** A request that names something in the directory that the descriptor is of. */
function ofParent(path: string, number: number): void {
	const args = Buffer.alloc(ARGS_BYTES);
	args.write(basename(path), NAME_AT);
	withDirectory(dirname(path), (fd) => ioctl(fd, number, args));
}

/** Subvolumes inside, innermost first: the kernel takes away none that has others. */
function destroyBelow(fd: number, id: bigint): void {
	for (let children = childrenOf(fd, id); children.length > 0; children = childrenOf(fd, id)) {
		for (const child of children) {
			destroyBelow(fd, child);
			const args = Buffer.alloc(ARGS_BYTES);
			args.writeBigUInt64LE(SUBVOL_SPEC_BY_ID, FLAGS_AT);
			args.writeBigUInt64LE(child, ID_AT);
			atCall(`btrfs subvolume delete ${child}`, () => ioctl(fd, SNAP_DESTROY_V2, args));
		}
	}
}

/** The ids of some that are right in it; none: there are none. */
function childrenOf(fd: number, id: bigint): bigint[] {
	const args = Buffer.alloc(ARGS_BYTES);
	// tree, objectid from and to, offset from and to, transaction from and to; then types and a number of items.
	for (const [index, value] of [ROOT_TREE, id, id, 0n, HIGHEST, 0n, HIGHEST].entries())
		args.writeBigUInt64LE(value, index * 8);
	for (const [index, value] of [ROOT_REF, ROOT_REF, SEARCH_ITEMS].entries()) args.writeUInt32LE(value, 56 + index * 4);
	atCall("btrfs tree search", () => ioctl(fd, TREE_SEARCH, args));
	const children: bigint[] = [];
	let at = SEARCH_KEY_BYTES;
	for (let left = args.readUInt32LE(64); left > 0; left--) {
		children.push(args.readBigUInt64LE(at + 16)); // the header: transaction, objectid, offset, type, length
		at += SEARCH_HEADER_BYTES + args.readUInt32LE(at + 28);
	}
	return children;
}

/** Of the subvolume that the descriptor is in. */
function idOf(fd: number): bigint {
	const args = Buffer.alloc(ARGS_BYTES);
	args.writeBigUInt64LE(SUBVOLUME_INODE, 8);
	atCall("btrfs inode lookup", () => ioctl(fd, INO_LOOKUP, args));
	return args.readBigUInt64LE(0);
}

function uuidOf(fd: number): string {
	const info = Buffer.alloc(FS_INFO_BYTES);
	atCall("btrfs file system info", () => ioctl(fd, FS_INFO, info));
	return info.toString("hex", 16, 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
