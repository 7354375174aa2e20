/**
 * Stages within a volume's content, for content that nothing else can take the place of, as a mount, and for what is to be joined with what
 * is there: the port. A path is where the content is.
 *
 * The order is `begin`, the caller's writing, `prepare`, `enter`, `discard`. `enter` is idempotent: after a kill in the middle, or a power
 * cut, it is called again and ends what was begun. So is `discard`; before `enter` the content is as it was, after it all of the new one.
 * Faults of every call: DISK_FULL, KERNEL_REFUSED.
 */

/** What is there goes, or stays where nothing of the same name comes. */
export type Entering = "replace" | "merge";

export interface Preparing {
	readonly entering: Entering;
	/** Directories in the stage of which the archive says nothing, as `placeOf` gives them: those of a merge leave what is there as it is. */
	readonly implied: readonly string[];
}

export interface InnerStages {
	/** An empty directory within the content, where nobody takes it for a part of that. Answers the one in it to write to. */
	begin(path: string, id: string): Promise<string>;
	/** Refuses what could not be moved in, keeps the room for it, and has all of it on the disk. Fault: DIRECTORY_IN_THE_WAY. */
	prepare(path: string, id: string, how: Preparing): Promise<void>;
	/** What was staged is the content, entry by entry, each by one rename, durably. */
	enter(path: string, id: string): Promise<void>;
	/** Where below the content's root somebody has mounted something, as paths from there. */
	mountsIn(path: string): Promise<string[]>;
	isThere(path: string, id: string): Promise<boolean>;
	/** The stage goes, with what was moved out of the content. Absent is success. */
	discard(path: string, id: string): Promise<void>;
}
