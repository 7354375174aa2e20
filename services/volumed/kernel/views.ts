/** Mounts of volumed's own: what containers, paths of the host and running processes are shown of a volume or a directory. Everything is idempotent. */
import type { MountMark } from "#lib/linux/mount/mountinfo.ts";
import type { ProcessIdentity } from "#lib/linux/process.ts";
import type { BindRecursion, MountPropagation, OwnerMap } from "../attachment.ts";

/** A directory or file of the host, or a part of one. */
export interface Shown {
	/** An absolute path on this host. */
	readonly origin: string;
	/** Only this part of it: relative, resolved beneath `origin` without following any symlink. Empty: all. */
	readonly subpath: string;
}

/** It as somebody is to see it. */
export interface View extends Shown {
	readonly readOnly: boolean;
	readonly owners: OwnerMap | undefined;
	readonly recursion: BindRecursion;
	readonly propagation: MountPropagation;
}

export interface Published {
	/** The directory was made for it. */
	readonly made: boolean;
	readonly mark: MountMark;
}

/**
 * Faults of every call that mounts: SUBPATH_REFUSED, CANNOT_MAP_OWNERS, SOURCE_NOT_FOUND, KERNEL_REFUSED; then nothing is mounted and
 * nothing is left. What is mounted is read back from mountinfo before a call resolves.
 */
export interface Views {
	/** Makes the view at a place of its own, below volumed's own folder, and answers where: for a runtime that binds it by its path. `id` is `<attachment>/<number>`. */
	prepare(id: string, view: View): Promise<string>;
	/** Where `prepare` puts it. */
	preparedPath(id: string): string;
	/** Of one id, or of all that begin with `<attachment>/`. */
	discard(idOrAttachment: string): Promise<void>;
	/** The ids of all that are there. */
	prepared(): Promise<string[]>;

	/** Shows the view at a path of the host, in the place of `replaces` if that is what is seen there. Faults: INVALID_PATH too. */
	publish(path: string, view: View, replaces?: MountMark): Promise<Published>;
	/** Undefined: the view of `origin` is not what is seen at the path. */
	findPublished(path: string, view: View): Promise<MountMark | undefined>;
	/** Takes the uppermost mount at the path away if it is `mark`, or one of `origin`. `made`: the empty directory goes too. Busy is success: it leaves the tree at once. */
	unpublish(path: string, shown: Shown, made: boolean, mark?: MountMark): Promise<void>;

	/** The path is, or would be, on a mount that shares as that propagation needs: `shared` of a shared one, `slave` of one that is told of mounts. */
	canPropagate(path: string, propagation: MountPropagation): Promise<boolean>;

	/** Who that pid is now; undefined when there is none. */
	identify(pid: number): Promise<ProcessIdentity | undefined>;
	/** Puts the view into the process's mount namespace, at a destination that is resolved once and inside its root, and made if it is missing. Faults: PROCESS_NOT_FOUND, DESTINATION_UNFIT too. */
	mountInto(process: ProcessIdentity, view: View, destination: string): Promise<MountMark>;
	/** Takes the uppermost mount at the destination away if it is `mark`, or one of `origin`. No such process is success. */
	unmountFrom(process: ProcessIdentity, shown: Shown, destination: string, mark?: MountMark): Promise<void>;
}
