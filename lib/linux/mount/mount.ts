/**
 * The classic mount calls: file systems, bind mounts, overlays, and taking them off again.
 *
 * Every call is synchronous and acts on the mount namespace of the calling thread. Paths are resolved by the kernel at once;
 * where somebody else may swap a directory meanwhile, use descriptors (`tree.ts`, `open-beneath.ts`).
 */
import { atCall, checked, isErrno } from "../libc.ts";

const MS_BIND = 0x1000;
const MS_REC = 0x4000;
const MNT_DETACH = 2;
const UMOUNT_NOFOLLOW = 8;

/** mount(2)'s flags by the names that `/proc/self/mountinfo` and OCI use. Everything else is the file system's own option. */
const FLAGS: Readonly<Record<string, number>> = {
	ro: 0x1,
	nosuid: 0x2,
	nodev: 0x4,
	noexec: 0x8,
	sync: 0x10,
	dirsync: 0x80,
	noatime: 0x400,
	nodiratime: 0x800,
	relatime: 0x20_0000,
};

const PROPAGATION = {
	private: 0x4_0000,
	slave: 0x8_0000,
	shared: 0x10_0000,
	unbindable: 0x2_0000,
} as const;

export type Propagation = keyof typeof PROPAGATION;

const mount = checked<[source: string | null, target: string, type: string | null, flags: number, data: string | null]>(
	"int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)",
);
const umount2 = checked<[target: string, flags: number]>("int umount2(const char *target, int flags)");

/** Mounts a file system: `mountFs("tmpfs", "scratch", "/mnt", ["nosuid", "size=64k"])`. */
export function mountFs(type: string, source: string, target: string, options: readonly string[] = []): void {
	const flags = options.reduce((sum, option) => sum | (FLAGS[option] ?? 0), 0);
	const data = options.filter((option) => !Object.hasOwn(FLAGS, option)).join(",");
	atCall(`mount -t ${type} ${source} ${target}`, () => mount(source, target, type, flags, data === "" ? null : data));
}

/** Shows `source`, a file or directory, at `target` as well; with `recursive` also what is mounted below it. */
export function bindMount(source: string, target: string, { recursive = false } = {}): void {
	const flags = MS_BIND | (recursive ? MS_REC : 0);
	atCall(`mount --bind ${source} ${target}`, () => mount(source, target, null, flags, null));
}

export interface Overlay {
	/** Read only, uppermost first. */
	readonly lower: readonly string[];
	/** Takes the changes; without it the overlay is read only. */
	readonly upper?: { readonly path: string; readonly work: string };
}

/** Joins directories at `target`. Paths may hold commas, colons and backslashes: they are escaped as overlayfs wants it. */
export function mountOverlay(target: string, { lower, upper }: Overlay): void {
	const options = [`lowerdir=${lower.map((path) => escaped(path, /[\\:,]/g)).join(":")}`];
	if (upper) {
		options.push(`upperdir=${escaped(upper.path, /[\\,]/g)}`, `workdir=${escaped(upper.work, /[\\,]/g)}`);
	}
	mountFs("overlay", "overlay", target, options);
}

function escaped(path: string, special: RegExp): string {
	return path.replace(special, "\\$&");
}

/** How mounts and unmounts travel between the mount at `target` and its peers; with `recursive` also of all below it. */
export function setPropagation(target: string, propagation: Propagation, { recursive = false } = {}): void {
	const flags = PROPAGATION[propagation] | (recursive ? MS_REC : 0);
	atCall(`mount --make-${propagation} ${target}`, () => mount(null, target, null, flags, null));
}

/**
 * Takes the uppermost mount off `target`; what is not mounted, or not there, is success, and false. A symlink is not followed.
 * With `detach` a busy one leaves the tree at once and ends when its last user is gone; otherwise busy is EBUSY.
 */
export function unmount(target: string, { detach = false } = {}): boolean {
	try {
		atCall(`umount ${target}`, () => umount2(target, UMOUNT_NOFOLLOW | (detach ? MNT_DETACH : 0)));
		return true;
	} catch (error) {
		if (isErrno(error, "EINVAL", "ENOENT")) return false;
		throw error;
	}
}
