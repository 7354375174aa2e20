/**
 * Stages within a volume's content, for content that nothing else can take the place of, as a mount, and for what is to be joined with what
 * is there: the port. A path is where the content is.
 *
 * The order is `begin`, the caller's writing, `prepare`, `enter`, `discard`. `enter` is idempotent: after a kill in the middle, or a power
 * cut, it is called again and ends what was begun. So is `discard`; before `enter` the content is as it was, after it all of the new one.
 * Others may rename, replace and make anything in the content meanwhile, and nothing outside of it is touched by that.
 * Faults of every call: DISK_FULL, KERNEL_REFUSED; of all but `discard` STAGE_CHANGED, when the stage is not what was made.
 */

import type { Destination } from "../tree/destination.ts";

/** What is there goes, or stays where nothing of the same name comes. */
export type Entering = "replace" | "merge";

export interface Preparing {
	readonly entering: Entering;
	/** Directories in the stage of which the archive says nothing, as `placeOf` gives them: those of a merge leave what is there as it is. */
	readonly implied: readonly string[];
}

export interface InnerStages {
	/** An empty directory within the content, where nobody takes it for a part of that. Answers the one in it to write to. The id is secret. */
	begin(path: string, id: string): Promise<Destination>;
	/**
	 * Refuses what could not be moved in, keeps the room for it, and has all of it on the disk. Answers the seal of what is to be done, which
	 * is for the store. Fault: DIRECTORY_IN_THE_WAY.
	 */
	prepare(path: string, id: string, how: Preparing): Promise<string>;
	/** What was staged is the content, entry by entry, each by one rename, durably. */
	enter(path: string, id: string, seal: string): Promise<void>;
	/** Where below the content's root somebody has mounted something, as paths from there. */
	mountsIn(path: string): Promise<string[]>;
	/** The stage goes, with what was moved out of the content. Absent is success. */
	discard(path: string, id: string): Promise<void>;
}
