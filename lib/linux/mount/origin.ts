/** What is to be mounted: opened once, and what mountinfo will say of it. */
import { closeSync, readlinkSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { isErrno } from "../libc.ts";
import { mountPlaceOf } from "../statx.ts";
import { atPart, MountRefused } from "./mount-refused.ts";
import type { Propagation } from "./mount.ts";
import { type Mount, mountNumbered } from "./mountinfo.ts";
import { openBeneath, openHandle } from "./open-beneath.ts";
import { DetachedTree } from "./tree.ts";

export interface Origin {
	/** An absolute path of this host; links in it are followed. */
	readonly path: string;
	/** Only this part: relative, and nothing on its way may be a link or lead out. Empty: all. */
	readonly subpath: string;
}

/** How somebody else is to see it. */
export interface Sight {
	/** What is mounted below it comes along. */
	readonly recursive: boolean;
	/** `top`: what is mounted below stays as it is. */
	readonly readOnly: "no" | "top" | "all";
	/** Of what is mounted below as well, with `deep`. */
	readonly propagation: Propagation;
	readonly deep: boolean;
	/** The descriptor of a user namespace: `user-namespace.ts`. */
	readonly idmap?: number | undefined;
}

/** What two mounts of one thing have in common: the fields of mountinfo. */
export type Shown = Pick<Mount, "device" | "root">;

const ON_THE_WAY = { ELOOP: "a part of it is a symlink" };

/** A descriptor, the caller's to close. MountRefused: `origin`, `subpath`. */
export function openOrigin({ path, subpath }: Origin): number {
	const whole = atPart("kernel", {}, () => openIfThere(path));
	if (whole === undefined) throw new MountRefused("origin", `there is no ${path}`);
	if (subpath === "") return whole;
	try {
		return atPart("subpath", ON_THE_WAY, () => openBeneath(whole, subpath));
	} finally {
		closeSync(whole);
	}
}

/** A copy that nobody sees yet, as it is to be seen. MountRefused: `owners`, `kernel`. */
export function copyOf(origin: number, { recursive, readOnly, propagation, deep, idmap }: Sight): DetachedTree {
	const tree = atPart("kernel", {}, () => DetachedTree.clone(origin, { recursive }));
	try {
		if (idmap !== undefined) {
			const cannot = "the kernel or its file system has no idmapped mounts, or its owners are mapped already";
			atPart("owners", { EINVAL: cannot, EPERM: cannot }, () => tree.set({ idmap, recursive: true }));
		}
		atPart("kernel", {}, () => {
			tree.set({ propagation, recursive: deep });
			if (readOnly !== "no") tree.set({ readOnly: true, recursive: readOnly === "all" });
		});
		return tree;
	} catch (error) {
		tree[Symbol.dispose]();
		throw error;
	}
}

/** Undefined: nothing says it, as when the file system was taken off meanwhile. */
export function shownBy(fd: number): Shown | undefined {
	const mount = mountNumbered(mountPlaceOf(fd).mountId);
	if (mount === undefined) return undefined;
	const path = readlinkSync(`/proc/self/fd/${fd}`);
	return { device: mount.device, root: join(mount.root, relative(mount.target, path)) };
}

/** The mount that `path` is on, or would be. */
export function mountOf(path: string): Mount | undefined {
	return nearest(path, (fd) => mountNumbered(mountPlaceOf(fd).mountId));
}

/** What `body` says of as much of the path as is there; `rest` is not. */
function nearest<T>(path: string, body: (fd: number, rest: string) => T): T {
	for (let at = path, rest = ""; ; rest = join(basename(at), rest), at = dirname(at)) {
		const fd = openIfThere(at);
		if (fd === undefined) continue;
		try {
			return body(fd, rest);
		} finally {
			closeSync(fd);
		}
	}
}

function openIfThere(path: string): number | undefined {
	try {
		return openHandle(path);
	} catch (error) {
		if (path !== "/" && isErrno(error, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
		throw error;
	}
}

export function isOf({ device, root }: Mount, shown: Shown | undefined): boolean {
	return shown !== undefined && device === shown.device && root === shown.root;
}

/**
 * Shows the origin or something of it, also when it was renamed inside of it since, or removed. What is mounted inside of it is
 * told by the part's own path.
 */
export function isOneOf(mount: Mount, { path, subpath }: Origin): boolean {
	const whole = nearest(path, (fd, rest) => {
		const shown = shownBy(fd);
		return shown && { ...shown, root: join(shown.root, rest) };
	});
	if (whole === undefined || mount.device !== whole.device)
		return subpath !== "" && isOf(mount, shownPart(path, subpath));
	return `${mount.root}/`.startsWith(whole.root === "/" ? "/" : `${whole.root}/`);
}

function shownPart(path: string, subpath: string): Shown | undefined {
	let part: number;
	try {
		part = openOrigin({ path, subpath });
	} catch (error) {
		if (error instanceof MountRefused) return undefined;
		throw error;
	}
	try {
		return shownBy(part);
	} finally {
		closeSync(part);
	}
}

/** What is not as it was asked for in a mount and those below it; undefined when all of it is. */
export function sightProblem(mounts: readonly Mount[], sight: Sight): string | undefined {
	const [top] = mounts;
	if (top === undefined) return "it is not in mountinfo";
	const readOnly = { no: [], top: [top], all: mounts }[sight.readOnly];
	const writable = readOnly.find(({ options }) => !options.includes("ro"));
	if (writable !== undefined) return `${writable.target} can be written to`;
	const unmapped = sight.idmap !== undefined && mounts.find(({ options }) => !options.includes("idmapped"));
	return unmapped ? `the owners at ${unmapped.target} are not mapped` : undefined;
}
