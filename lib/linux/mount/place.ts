/** Where something is to be mounted: below a directory of this host, or inside the root of a process that runs. */
import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from "node:fs";
import { isErrno } from "../libc.ts";
import { holdProcess, type ProcessIdentity } from "../process.ts";
import { mountPlaceOf } from "../statx.ts";
import { Spot } from "./make-missing.ts";
import { atPart, MountRefused } from "./mount-refused.ts";
import { type Mount, mountinfo, mountNumbered, mountTree } from "./mountinfo.ts";
import { inMountsOf } from "./namespace.ts";
import { openBeneath, openHandle, openInRoot } from "./open-beneath.ts";

const O_PATH = 0o10000000;
const OWN_NAMESPACE = "/proc/thread-self/ns/mnt";

/**
 * `folder` is this host's administrator's: links on its way are followed. `path` is relative, and none of its parts may be a link.
 * `destination` is absolute, and resolved as the process would, links included.
 */
export type Place =
	| { readonly folder: string; readonly path: string }
	| { readonly process: ProcessIdentity; readonly destination: string };

export type PlaceKind = "directory" | "file";

/** A root, and the mount namespace that it is in. */
export interface Ground extends Disposable {
	/** Undefined: it is not there. */
	find(): Spot | undefined;
	/** Finds or makes it, and refuses what cannot be mounted on. */
	make(kind: PlaceKind): Spot;
	/** Runs `body` in the namespace. */
	inside<T>(body: () => T): T;
	mount(id: number): Mount | undefined;
	/** A mount by its number, and those below it. */
	tree(id: number): Mount[];
}

/** Undefined: no such process any more. */
export function openGround(place: Place): Ground | undefined {
	return "process" in place ? groundOfProcess(place.process, place.destination) : ownGround(place);
}

const ON_THE_WAY = { ELOOP: "a part of it is a symlink" };

function ownGround({ folder, path }: { readonly folder: string; readonly path: string }): Ground {
	const root = atPart("destination", { ENOENT: `there is no ${folder}`, ENOTDIR: `${folder} is no directory` }, () =>
		openHandle(folder),
	);
	const open = (part: string): number => openBeneath(root, part);
	return {
		find: () => atPart("destination", ON_THE_WAY, () => Spot.find(open, path)),
		make: (kind) => {
			const owner = { uid: 0, gid: 0 };
			const spot = atPart("destination", ON_THE_WAY, () => Spot.make({ open, path, kind, owner }));
			return refusing(spot, () => kindProblem(spot, kind));
		},
		inside: (body) => body(),
		mount: (id) => mountNumbered(id),
		tree: (id) => mountTree(id),
		[Symbol.dispose]: () => closeSync(root),
	};
}

const IN_ROOT = { ELOOP: "its links lead nowhere, in a circle, or out of the file system" };

function groundOfProcess(identity: ProcessIdentity, destination: string): Ground | undefined {
	using stack = new DisposableStack();
	const held = holdProcess(identity);
	if (held === undefined) return undefined;
	stack.use(held);
	const { pid } = held;
	const root = opened(`/proc/${pid}/root`, O_PATH, stack);
	const namespace = opened(`/proc/${pid}/ns/mnt`, constants.O_RDONLY, stack);
	const owner = rootOwner(pid);
	if (root === undefined || namespace === undefined || !held.isThere()) return undefined;
	const isHere = fstatSync(namespace).ino === statSync(OWN_NAMESPACE).ino;
	const open = (path: string): number => openInRoot(root, path);
	const read = <T>(body: () => T): T => {
		const found = whileThere(body);
		if (found === undefined || !held.isThere()) throw new MountRefused("process", "it has ended");
		return found.result;
	};
	const mount = (id: number): Mount | undefined => read(() => mountNumbered(id, pid));
	const kept = stack.move();
	return {
		find: () => (isHere ? undefined : atPart("destination", IN_ROOT, () => Spot.find(open, destination))),
		make: (kind) => {
			if (isHere)
				throw new MountRefused("destination", "the process has no mounts of its own, and they would outlive it");
			const spot = atPart("destination", IN_ROOT, () => Spot.make({ open, path: destination, kind, owner }));
			return refusing(spot, () => kindProblem(spot, kind) ?? insideProblem(spot, root, mount));
		},
		inside: (body) => inMountsOf(namespace, body),
		mount,
		tree: (id) => read(() => mountTree(id, pid)),
		[Symbol.dispose]: () => kept.dispose(),
	};
}

function opened(path: string, flags: number, stack: DisposableStack): number | undefined {
	try {
		return stack.adopt(openSync(path, flags), closeSync);
	} catch (error) {
		// What is left of a process has neither.
		if (isErrno(error, "ENOENT", "ESRCH")) return undefined;
		if (!isErrno(error, "EACCES", "EPERM")) throw error;
		throw new MountRefused("destination", "the kernel lets nobody into the process's mounts", { cause: error });
	}
}

/** Undefined: the process whose mountinfo is read has none any more. */
function whileThere<T>(body: () => T): { readonly result: T } | undefined {
	try {
		return { result: body() };
	} catch (error) {
		if (isErrno(error, "ENOENT", "ESRCH", "EINVAL")) return undefined;
		throw error;
	}
}

/** Who root of the process's user namespace is on this host. */
function rootOwner(pid: number): { uid: number; gid: number } {
	return { uid: outsideOf(`/proc/${pid}/uid_map`), gid: outsideOf(`/proc/${pid}/gid_map`) };
}

/** 0 where there is no root. */
function outsideOf(map: string): number {
	let text = "";
	try {
		text = readFileSync(map, "utf8");
	} catch (error) {
		if (!isErrno(error, "ENOENT", "ESRCH")) throw error;
	}
	const lines = text.split("\n").map((line) => line.trim().split(/\s+/).map(Number));
	return lines.find(([inside]) => inside === 0)?.[1] ?? 0;
}

function refusing(spot: Spot, problemOf: () => string | undefined): Spot {
	let problem: string | undefined;
	try {
		problem = problemOf();
		if (problem === undefined) return spot;
	} catch (error) {
		giveUp(spot);
		throw error;
	}
	giveUp(spot);
	throw new MountRefused("destination", problem);
}

function giveUp(spot: Spot): void {
	spot.unmake();
	spot[Symbol.dispose]();
}

function kindProblem({ fd }: Spot, kind: PlaceKind): string | undefined {
	if (mountPlaceOf(fd).isDirectory === (kind === "directory")) return undefined;
	return kind === "directory"
		? "it is a file, and a directory is to be seen there"
		: "it is a directory, and a file is to be seen there";
}

function insideProblem({ fd }: Spot, root: number, mountOf: Ground["mount"]): string | undefined {
	const [{ mountId, inode }, top] = [mountPlaceOf(fd), mountPlaceOf(root)];
	if (mountId === top.mountId && inode === top.inode) return "it is the root";
	const mount = mountOf(mountId);
	if (mount === undefined) return "it is outside of the process's root";
	if (mount.type === "proc") return "it is the kernel's, in a procfs";
	return isSharedHere(mount)
		? "it is on a mount that is shared with this host, where it would be seen as well"
		: undefined;
}

function isSharedHere({ propagation }: Mount): boolean {
	const group = propagation.find((field) => field.startsWith("shared:"));
	return group !== undefined && mountinfo().some((own) => own.propagation.includes(group));
}
