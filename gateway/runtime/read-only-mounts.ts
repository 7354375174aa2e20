/**
 * Whether what a container is to have read-only is so, with everything that is mounted below it: asked of the kernel while its process
 * waits to be let go, because not every runtime, and not every kernel, does what it was told.
 */
import { closeSync, openSync } from "node:fs";
import { type Mount, mountinfo } from "#lib/linux/mount/mountinfo.ts";
import { openInRoot } from "#lib/linux/mount/open-beneath.ts";
import { mountPlaceOf } from "#lib/linux/statx.ts";

interface Wanted {
	readonly destination: string;
	readonly readOnly: boolean;
	/** With `rro` also what is mounted below. */
	readonly options: readonly string[];
}

/** The destination of one that can be written to, or undefined. `pid` is the container's first process. */
export function findWritable(pid: number, wanted: readonly Wanted[]): string | undefined {
	if (!wanted.some(({ readOnly }) => readOnly)) return undefined;
	const root = openSync(`/proc/${pid}/root`, "r");
	try {
		const mounts = mountinfo(pid);
		const ids = new Map(wanted.map((one) => [one, mountIdAt(root, one.destination)]));
		const own = new Set(ids.values());
		const isWritable = (one: Wanted): boolean => {
			const top = mounts.find(({ id }) => id === ids.get(one));
			if (top === undefined || !top.options.includes("ro")) return true;
			return one.options.includes("rro") && below(top, mounts, own).some(({ options }) => !options.includes("ro"));
		};
		return wanted.find((one) => one.readOnly && isWritable(one))?.destination;
	} finally {
		closeSync(root);
	}
}

/** Links of the image are followed inside it, as the runtime has done. */
function mountIdAt(root: number, path: string): number {
	const found = openInRoot(root, path);
	try {
		return mountPlaceOf(found).mountId;
	} finally {
		closeSync(found);
	}
}

/** What came along with a mount; not what was mounted into it because the user wants that too. */
function below(top: Mount, mounts: readonly Mount[], own: ReadonlySet<number>): Mount[] {
	const found = mounts.filter(({ id, parentId }) => parentId === top.id && !own.has(id));
	return found.flatMap((mount) => [mount, ...below(mount, mounts, own)]);
}
