/** What a volume of the driver `local` can lie on. One file each beside this one; which it is, is decided once. */
import type { Mount } from "#lib/linux/mount/mountinfo.ts";
import type { LocalOptions } from "../local-options.ts";

/** Where a volume is, and what its user wants of it. */
export interface Place {
	readonly name: string;
	readonly options: LocalOptions;
	/** `<volumes>/<name>`: everything that the volume has of the disk lies in it. */
	readonly folder: string;
	/** The content's directory in it. */
	readonly data: string;
}

/** Everything is idempotent, also after a crash in the middle. */
export interface Backing {
	/** `data` is there when this resolves, with what bounds it. A failure leaves nothing that `create` or `remove` would stumble on. */
	create(place: Place, signal: AbortSignal): Promise<void>;
	/** What does not go when the folder is taken off the disk. Nothing is mounted in it. */
	release(place: Place): Promise<void>;
	/** What the kernel bounds the content with, or undefined where it does not. */
	enforcedBy(place: Place): Promise<string | undefined>;
	/** Undefined: the content is at `data` as it is. */
	readonly mounting?: Mounting;
}

export interface Mounting {
	/** Refuses what cannot be mounted at all, before anything that is mounted is touched. Faults: MOUNT_FAILED. */
	check(place: Place): Promise<void>;
	/** Mounts at `data`, where nothing is mounted. What it has mounted when it throws is taken away by the caller. Faults: MOUNT_FAILED. */
	mount(place: Place, signal: AbortSignal): Promise<void>;
	/** That mount shows what `mount` would. */
	isOurs(place: Place, mount: Mount): boolean;
}
