/**
 * The image `host`: an overlay over this machine's own `/`, writable and thrown away with the container.
 *
 * Only the root file system itself: what is mounted over it (/proc, /sys, /dev, other disks) is not seen through an overlay.
 */
import { lstatSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { killPoint } from "#lib/config/kill-point.ts";
import { isErrno, LinuxError } from "#lib/linux/libc.ts";
import { mountOverlay, unmount } from "#lib/linux/mount/mount.ts";
import { mountinfo } from "#lib/linux/mount/mountinfo.ts";
import type { Log } from "#lib/log/log.ts";
import { gatewayFaults } from "../faults.ts";

const LOWER = "/";

export class RootFileSystems {
	readonly #containers: string;
	readonly #log: Log;

	/** `containers` is the folder of all containers' folders. */
	constructor(containers: string, log: Log) {
		this.#containers = containers;
		this.#log = log;
	}

	/** The tree of an image, to fill new volumes from. IMAGE_NOT_FOUND. */
	treeOf(image: string): string {
		if (image !== "host") throw gatewayFaults.IMAGE_NOT_FOUND({ image }, { field: "spec.image" });
		return LOWER;
	}

	/** A container's folder. */
	dir(id: string): string {
		return join(this.#containers, id);
	}

	rootfs(id: string): string {
		return join(this.dir(id), "rootfs");
	}

	/** Makes the container's folder. */
	async prepare(id: string): Promise<void> {
		const dir = this.dir(id);
		await mkdir(dir, { recursive: true, mode: 0o700 });
		await Promise.all(["rootfs", "upper", "work"].map((name) => mkdir(join(dir, name), { recursive: true })));
	}

	/** Mounted already is success. What was written before is there again. */
	ensureMounted(id: string): void {
		const target = this.rootfs(id);
		if (isMountpoint(target)) return;
		try {
			mountOverlay(target, {
				lower: [LOWER],
				upper: { path: join(this.dir(id), "upper"), work: join(this.dir(id), "work") },
			});
		} catch (error) {
			if (!(error instanceof LinuxError)) throw error;
			throw gatewayFaults.ROOTFS_MISSING({ container: id.slice(0, 12), problem: error.message }, { cause: error });
		}
		killPoint("rootfs.mount");
		this.#log.change("rootfs.mount", { target });
	}

	/** Not mounted is success. */
	unmount(id: string): void {
		if (!isMountpoint(this.rootfs(id))) return;
		// Detached: a process of the host that looks into it does not keep it in the tree.
		unmount(this.rootfs(id), { detach: true });
		killPoint("rootfs.unmount");
		this.#log.change("rootfs.unmount", { target: this.rootfs(id) });
	}

	/** Unmounts and removes everything of a container; absent is success. */
	async remove(id: string): Promise<void> {
		this.unmount(id);
		await rm(this.dir(id), { recursive: true, force: true });
		killPoint("rootfs.remove");
	}

	/** The containers that have a folder or a mount. */
	async observe(): Promise<{ readonly folders: ReadonlySet<string>; readonly mounted: ReadonlySet<string> }> {
		const names = await readdir(this.#containers).catch((error: unknown) => {
			if (isErrno(error, "ENOENT")) return [];
			throw error;
		});
		return { folders: new Set(names), mounted: this.#mounted() };
	}

	#mounted(): ReadonlySet<string> {
		const prefix = `${this.#containers}/`;
		const ids = mountinfo()
			.filter(({ target }) => target.startsWith(prefix) && target.endsWith("/rootfs"))
			.map(({ target }) => target.slice(prefix.length, -"/rootfs".length));
		return new Set(ids);
	}
}

/** An overlay is a file system of its own, and so has a device number of its own. */
function isMountpoint(path: string): boolean {
	const own = lstatSync(path, { throwIfNoEntry: false });
	return own !== undefined && own.dev !== lstatSync(join(path, "..")).dev;
}
