/** Where volumes are: the port to the file system, in words of the domain. Everything is idempotent; absent is success. */

import type { Relabel } from "../attachment.ts";
import type { InnerStages } from "./inner-stages.ts";

export interface Observed {
	readonly name: string;
	/** Its content is there. */
	readonly hasData: boolean;
	/** Ids of stages that were begun and neither put in place nor dropped. */
	readonly stages: readonly string[];
}

/** `content` is a directory with something in it. */
export type Found = "absent" | "file" | "empty" | "content";

export interface Image {
	/** The image's tree on this host. */
	readonly root: string;
	/** A path in it; links in the image are followed inside it. */
	readonly path: string;
}

/** Faults of every call: DISK_FULL, KERNEL_REFUSED. */
export interface Disk {
	/** Where the volume's content is, whether or not it is there. */
	mountpoint(name: string): string;
	/** Makes the volume's empty directory; one that is there stays as it is. `persist` makes it durable. */
	ensure(name: string): Promise<void>;
	/** The names of the volumes are on the disk, and the directories of these are. */
	persist(names: readonly string[]): Promise<void>;
	/** The volume gets another name, durably. One that is not there is success. */
	rename(name: string, newName: string): Promise<void>;
	/** The volume is out of sight, with its stages; `recover` brings it back until `bury`. */
	remove(name: string): Promise<void>;
	/** What `remove` put out of sight is given up; the space comes back later. */
	bury(name: string): Promise<void>;
	/** False: there was nothing to be brought back. */
	recover(name: string): Promise<boolean>;
	/** Removes a volume's directory with nothing in it, or the beginning of one. False: there is something in it, which stays, or nothing there. */
	removeEmpty(name: string): Promise<boolean>;
	hasData(name: string): Promise<boolean>;
	/** Of a directory at a path; a stage within it is nothing. */
	isEmpty(path: string): Promise<boolean>;
	/** Everything that lies where volumes lie, whether or not it is one. */
	observe(): Promise<Observed[]>;
	/** Keeps what is nobody's volume, out of the way, and says where. */
	setAside(name: string): Promise<string>;

	/** Makes an empty directory beside the volume's content, and answers where. */
	stage(name: string, id: string): Promise<string>;
	/** What an image has at each of the paths, in one look. Fault: INVALID_PATH where its file system does not answer. */
	look(root: string, paths: readonly string[]): Promise<readonly Found[]>;
	/** Gives the directory at `path` owner, mode and times of the image's directory. */
	likeImage(path: string, image: Image): Promise<void>;
	/** Puts a directory of the image into the empty one at `path`, with everything that it has. */
	fill(path: string, image: Image, signal?: AbortSignal): Promise<void>;
	/** Removes everything from a directory. */
	clear(path: string): Promise<void>;
	/** The stage becomes the content, durably and in one step; what was there before goes. */
	commit(name: string, id: string): Promise<void>;
	discard(name: string, id: string): Promise<void>;
	/** Of the content, or of a stage: the same for as long as it lives, wherever it is. Undefined when it is not there. */
	identity(name: string, id?: string): Promise<string | undefined>;

	/** Stages within content, at a path. */
	readonly inside: InnerStages;

	/** Takes what was removed off the disk. Resolves when it is gone. */
	sweep(): Promise<void>;
}

/** The host's own files and directories that containers mount. */
export interface Host {
	/** True when there is something. */
	exists(path: string): Promise<boolean>;
	/** Makes the directory with its parents, 0755, and answers which were made, outermost first. */
	makeDirectory(path: string): Promise<string[]>;
	/** Gives the content the SELinux label by which containers may use it; nothing where the host has no SELinux. Faults: INVALID_SOURCE, KERNEL_REFUSED. */
	relabel(path: string, relabel: Relabel): Promise<void>;
	/** Takes back what `makeDirectory` made, as far as it is still empty. */
	unmake(made: readonly string[]): Promise<void>;
}
