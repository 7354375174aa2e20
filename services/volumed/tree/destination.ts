/** Where a tree is written to: a directory below one in which others may rename, replace and make anything at any moment. */
import { closeSync, constants, openSync } from "node:fs";
import { openDirectoryBeneath } from "#lib/linux/files/beneath.ts";
import { stillThere } from "./still-there.ts";

export interface Destination {
	/** An absolute path: the way to it is this host's administrator's. */
	readonly root: string;
	/** From there on, through no link and into no other mount. The root itself when it is empty. */
	readonly within: string;
}

/** To be read; the caller's to close. Fault: STAGE_CHANGED. */
export function openDestination({ root, within }: Destination): number {
	const fd = openRoot(root);
	try {
		return stillThere(openDirectoryBeneath(fd, within), root, "the stage");
	} finally {
		closeSync(fd);
	}
}

/** The one in which nothing is trusted. */
export function openRoot(path: string): number {
	return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
}
