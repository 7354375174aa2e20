/** A subvolume of btrfs whose qgroup has a limit: writing beyond it is EDQUOT. */
import { chmod, readdir } from "node:fs/promises";
import { join } from "node:path";
import { killPoint } from "#lib/config/kill-point.ts";
import type { Aside } from "#lib/linux/aside.ts";
import { isSubvolume, subvolumeQuota } from "#lib/linux/btrfs.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { volumeFaults } from "../../faults.ts";
import { atSystem } from "../../kernel/system-fault.ts";
import { sizeOf } from "../local-options.ts";
import type { Backing, Place } from "./backing.ts";
import { makeInPlace } from "./in-place.ts";

export class SubvolumeBacking implements Backing {
	readonly #aside: Aside;

	constructor(aside: Aside) {
		this.#aside = aside;
	}

	async create(place: Place): Promise<void> {
		await atSystem(`making the subvolume ${place.data}`, place.folder, async () => {
			await makeInPlace(place, {
				make: (path) => this.#make(path, place),
				clear: (path) => this.#aside.call("destroySubvolume", path),
			});
		});
	}

	async #make(path: string, { folder, options }: Place): Promise<void> {
		const limitBytes = sizeOf(options);
		await this.#aside.call("enableQuota", folder);
		killPoint("volumed.local.quota");
		await this.#aside.call("createSubvolume", path);
		killPoint("volumed.local.subvolume");
		await chmod(path, 0o755);
		await this.#aside.call("limitSubvolume", path, limitBytes);
		killPoint("volumed.local.limit");
		if (subvolumeQuota(path)?.limitBytes === limitBytes) return;
		throw volumeFaults.KERNEL_REFUSED({ what: `limiting ${path}`, problem: "its limit is not what was set" });
	}

	/** No rm gets across them: the content's, and one that a crash has left. */
	async release({ folder }: Place): Promise<void> {
		await atSystem(`removing the subvolumes of ${folder}`, folder, async () => {
			for (const name of await namesIn(folder)) {
				const path = join(folder, name);
				if (!isSubvolume(path)) continue;
				await this.#aside.call("destroySubvolume", path);
				killPoint("volumed.local.subvolume.remove");
			}
		});
	}

	async enforcedBy({ data, options }: Place): Promise<string | undefined> {
		return subvolumeQuota(data)?.limitBytes === sizeOf(options) ? "btrfs qgroup" : undefined;
	}
}

async function namesIn(folder: string): Promise<string[]> {
	try {
		return await readdir(folder);
	} catch (error) {
		if (isErrno(error, "ENOENT")) return [];
		throw error;
	}
}
