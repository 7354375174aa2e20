/**
 * Mounts by descriptor: a copy of a tree is taken, changed while nobody sees it, and put in its place in one step.
 *
 * That is how a mount is read only from its first moment, all the way down, and how nothing is resolved twice
 * (mount_setattr(2), open_tree(2), move_mount(2); Linux 5.12).
 */
import { closeSync } from "node:fs";
import { atCall, checked, isErrno } from "../libc.ts";
import type { Propagation } from "./mount.ts";

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
const AT_RECURSIVE = 0x8000;
const OPEN_TREE_CLONE = 1;
const OPEN_TREE_CLOEXEC = 0o2000000;
const MOVE_MOUNT_F_EMPTY_PATH = 4;
const MOVE_MOUNT_T_EMPTY_PATH = 0x40;
/** Linux 6.5. */
const MOVE_MOUNT_BENEATH = 0x200;

const ATTRIBUTES = { readOnly: 0x1n, nosuid: 0x2n, nodev: 0x4n, noexec: 0x8n } as const;
const IDMAP = 0x10_0000n;
const PROPAGATION: Readonly<Record<Propagation, bigint>> = {
	private: 1n << 18n,
	slave: 1n << 19n,
	shared: 1n << 20n,
	unbindable: 1n << 17n,
};

/** `struct mount_attr`: attr_set, attr_clr, propagation, userns_fd. */
const MOUNT_ATTR_BYTES = 32;

const openTree = checked<[dfd: number, path: string, flags: number]>(
	"int open_tree(int dfd, const char *path, unsigned int flags)",
);
const moveMount = checked<[fromFd: number, from: string, toFd: number, to: string, flags: number]>(
	"int move_mount(int from_fd, const char *from, int to_fd, const char *to, unsigned int flags)",
);
const mountSetattr = checked<[dfd: number, path: string, flags: number, attributes: Uint8Array, size: number]>(
	"int mount_setattr(int dfd, const char *path, unsigned int flags, void *attr, size_t size)",
);

export interface TreeAttributes {
	readonly readOnly?: boolean;
	readonly nosuid?: boolean;
	readonly nodev?: boolean;
	readonly noexec?: boolean;
	readonly propagation?: Propagation;
	/** The descriptor of a user namespace: an id that is inside there on the disk is seen as the one outside. Only of trees that are attached nowhere. */
	readonly idmap?: number;
	/** Also of every mount below. */
	readonly recursive?: boolean;
}

/** A copy of a mount, attached nowhere. Closing it before `attach` makes it go; after it the descriptor is only a handle. */
export class DetachedTree implements Disposable {
	readonly fd: number;
	#open = true;

	private constructor(fd: number) {
		this.fd = fd;
	}

	/** Copies the mount that shows `source`: a path (a symlink at its end is not followed) or a descriptor. */
	static clone(source: string | number, { recursive = false } = {}): DetachedTree {
		const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0);
		const fd =
			typeof source === "number"
				? atCall(`open_tree fd ${source}`, () => openTree(source, "", flags | AT_EMPTY_PATH))
				: atCall(`open_tree ${source}`, () => openTree(AT_FDCWD, source, flags | AT_SYMLINK_NOFOLLOW));
		return new DetachedTree(fd);
	}

	/** Adds attributes; none is taken away. */
	set(attributes: TreeAttributes): void {
		setTreeAttributes(this.fd, attributes);
	}

	/** Puts it at `target`: a path, or the descriptor of a directory (of a file for a file) that was resolved before. */
	attach(target: string | number): void {
		if (typeof target === "number") {
			const flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
			atCall(`move_mount to fd ${target}`, () => moveMount(this.fd, "", target, "", flags));
		} else {
			atCall(`move_mount to ${target}`, () => moveMount(this.fd, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH));
		}
	}

	/** Puts it below the mount whose root a descriptor shows: it is seen when that one goes. False: the kernel cannot, or not there. */
	attachBeneath(top: number): boolean {
		const flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH | MOVE_MOUNT_BENEATH;
		try {
			atCall(`move_mount beneath fd ${top}`, () => moveMount(this.fd, "", top, "", flags));
			return true;
		} catch (error) {
			if (isErrno(error, "EINVAL")) return false;
			throw error;
		}
	}

	[Symbol.dispose](): void {
		if (this.#open) closeSync(this.fd);
		this.#open = false;
	}
}

/** Adds attributes to the mount at a path, or to the one that a descriptor shows. */
export function setTreeAttributes(at: string | number, attributes: TreeAttributes): void {
	const { propagation, idmap, recursive = false } = attributes;
	const structure = Buffer.alloc(MOUNT_ATTR_BYTES);
	let set = 0n;
	for (const [name, bit] of Object.entries(ATTRIBUTES)) {
		if (attributes[name as keyof typeof ATTRIBUTES] === true) set |= bit; // the keys of that very object
	}
	if (idmap !== undefined) {
		set |= IDMAP;
		structure.writeBigUInt64LE(BigInt(idmap), 24);
	}
	structure.writeBigUInt64LE(set, 0);
	structure.writeBigUInt64LE(propagation === undefined ? 0n : PROPAGATION[propagation], 16);
	const flags = recursive ? AT_RECURSIVE : 0;
	const [fd, path] = typeof at === "number" ? [at, ""] : [AT_FDCWD, at];
	atCall(`mount_setattr ${at}`, () =>
		mountSetattr(fd, path, flags | (typeof at === "number" ? AT_EMPTY_PATH : 0), structure, MOUNT_ATTR_BYTES),
	);
}
