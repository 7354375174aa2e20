/**
 * The folder that namespaces are pinned in: a file system of its own, in memory.
 *
 * A pin is an empty file with a namespace mounted on it. On a disk's file system making one waits for its journal, and so for whatever
 * the stores are writing (0.9 ms each with 200 at once); and a pin is worth nothing once the machine has ended, while the file would still be there.
 */
import { mkdirSync, readdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { isErrno } from "#lib/linux/libc.ts";
import { mountFs, unmount } from "#lib/linux/mount/mount.ts";

const OPTIONS = ["nosuid", "nodev", "noexec", "mode=0755", "size=1m"];

/**
 * The folder is there when this returns. One that has pins is left as it is, whatever it is on: another netd made them. At the end the
 * file system goes where nothing is pinned; with a pin it stays, and the next netd finds it.
 */
export function openNamespaceFolder(folder: string): Disposable {
	mkdirSync(folder, { recursive: true, mode: 0o755 });
	if (!isMountPoint(folder) && isEmpty(folder)) mountFs("tmpfs", "wharf", folder, OPTIONS);
	return {
		[Symbol.dispose]: () => {
			if (isMountPoint(folder) && isEmpty(folder)) unmountIdle(folder);
		},
	};
}

function isMountPoint(folder: string): boolean {
	return statSync(folder).dev !== statSync(dirname(folder)).dev;
}

function isEmpty(folder: string): boolean {
	return readdirSync(folder).length === 0;
}

/** Somebody may have it open, as a shell that stands in it. */
function unmountIdle(folder: string): void {
	try {
		unmount(folder);
	} catch (error) {
		if (!isErrno(error, "EBUSY")) throw error;
	}
}
