/**
 * Mounting by the words of fstab(5): `ro,noatime,size=64m`, or `rbind,nosuid`. What is no word of the mount itself is the file system's own.
 *
 * Every call is synchronous and acts on the mount namespace of the calling thread; what may wait for a disk is for `aside.ts`.
 */
import { closeSync, openSync } from "node:fs";
import { atCall, checked } from "../libc.ts";
import { type Propagation, setPropagation, unmount } from "./mount.ts";
import { DetachedTree } from "./tree.ts";

const O_PATH = 0o10000000;
const MS_REMOUNT = 0x20;
const MS_BIND = 0x1000;

const RDONLY = 0x1;
const NOSUID = 0x2;
const NODEV = 0x4;
const NOEXEC = 0x8;
const SYNCHRONOUS = 0x10;
const MANDLOCK = 0x40;
const DIRSYNC = 0x80;
const NOATIME = 0x400;
const NODIRATIME = 0x800;
const SILENT = 0x8000;
const RELATIME = 0x20_0000;
const STRICTATIME = 0x100_0000;
const LAZYTIME = 0x200_0000;

const SETS: Readonly<Record<string, number>> = {
	ro: RDONLY,
	nosuid: NOSUID,
	nodev: NODEV,
	noexec: NOEXEC,
	sync: SYNCHRONOUS,
	mand: MANDLOCK,
	dirsync: DIRSYNC,
	noatime: NOATIME,
	nodiratime: NODIRATIME,
	silent: SILENT,
	relatime: RELATIME,
	strictatime: STRICTATIME,
	lazytime: LAZYTIME,
};
const CLEARS: Readonly<Record<string, number>> = {
	rw: RDONLY,
	suid: NOSUID,
	dev: NODEV,
	exec: NOEXEC,
	async: SYNCHRONOUS,
	nomand: MANDLOCK,
	atime: NOATIME,
	diratime: NODIRATIME,
	loud: SILENT,
	norelatime: RELATIME,
	nostrictatime: STRICTATIME,
	nolazytime: LAZYTIME,
};
/** Of mount(8) alone: nothing for the kernel. */
const USERSPACE =
	/^(defaults|auto|noauto|nofail|_netdev|user|nouser|users|nousers|owner|noowner|group|nogroup|comment=.*|[xX]-.*)$/;
const PROPAGATION = /^(r?)(private|slave|shared|unbindable)$/;

interface Words {
	readonly bind: "no" | "one" | "recursive";
	readonly flags: number;
	/** Each once, in the order in which they are to be set. */
	readonly propagation: readonly { readonly propagation: Propagation; readonly recursive: boolean }[];
	/** The file system's own. */
	readonly data: string;
}

export interface MountByWords {
	/** Of no matter for a bind. */
	readonly type: string;
	readonly device: string;
	readonly target: string;
	readonly words: readonly string[];
}

const mount = checked<[source: string | null, target: string, type: string | null, flags: bigint, data: string | null]>(
	"int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)",
);

/** Nothing is mounted when it throws. A bind is read only, if it is, from its first moment, and so is what is mounted below. */
export function mountByWords({ type, device, target, words }: MountByWords): void {
	const parsed = parseWords(words);
	if (parsed.bind === "no") {
		const data = parsed.data === "" ? null : parsed.data;
		atCall(`mount -t ${type} ${device} ${target}`, () => mount(device, target, type, BigInt(parsed.flags), data));
	} else {
		bind(device, target, parsed);
	}
	try {
		for (const { propagation, recursive } of parsed.propagation) setPropagation(target, propagation, { recursive });
	} catch (error) {
		unmount(target, { detach: true });
		throw error;
	}
}

function bind(source: string, target: string, { bind: extent, flags }: Words): void {
	const recursive = extent === "recursive";
	using tree = cloneOf(source, recursive);
	const has = (flag: number): boolean => (flags & flag) !== 0;
	tree.set({ readOnly: has(RDONLY), nosuid: has(NOSUID), nodev: has(NODEV), noexec: has(NOEXEC), recursive });
	tree.attach(target);
	// Times of access can only be set where it is seen.
	const rest = flags & (NOATIME | NODIRATIME | RELATIME | STRICTATIME);
	if (rest === 0) return;
	try {
		atCall(`mount -o remount,bind ${target}`, () =>
			mount(null, target, null, BigInt(flags | MS_REMOUNT | MS_BIND), null),
		);
	} catch (error) {
		unmount(target, { detach: true });
		throw error;
	}
}

/** As mount(8) binds: a symlink is what it points at. */
function cloneOf(source: string, recursive: boolean): DetachedTree {
	const fd = openSync(source, O_PATH);
	try {
		return DetachedTree.clone(fd, { recursive });
	} finally {
		closeSync(fd);
	}
}

function parseWords(words: readonly string[]): Words {
	let flags = 0;
	let extent: Words["bind"] = "no";
	const propagation: { propagation: Propagation; recursive: boolean }[] = [];
	const data: string[] = [];
	for (const word of words) {
		const travels = PROPAGATION.exec(word);
		if (word === "bind" || word === "rbind") extent = word === "bind" ? "one" : "recursive";
		else if (travels !== null)
			// The expression has no other words than these.
			propagation.push({ propagation: travels[2] as Propagation, recursive: travels[1] === "r" });
		else if (Object.hasOwn(SETS, word)) flags |= SETS[word] ?? 0;
		else if (Object.hasOwn(CLEARS, word)) flags &= ~(CLEARS[word] ?? 0);
		else if (word !== "" && !USERSPACE.test(word)) data.push(word);
	}
	return { bind: extent, flags, propagation, data: data.join(",") };
}
