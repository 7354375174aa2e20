/**
 * The dated archives in a directory of this host.
 *
 * Regular files with names that `archive-names.ts` makes, and nothing else: what lies beside them, be it a link to one, is
 * somebody else's, is not told and stays. No link is followed but those on the way to the directory.
 */
import type { Stats } from "node:fs";
import { lstat, readdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { isErrno } from "#lib/linux/libc.ts";
import { syncDirectory } from "#lib/linux/mount/directory.ts";
import type { Log } from "#lib/log/log.ts";
import { type ArchiveName, findArchiveName } from "../archive-names.ts";
import { volumeFaults } from "../faults.ts";
import { type DatedArchive, newerFirst } from "../retention.ts";
import type { VolumeName } from "../volume.ts";
import { atSystem, systemFault } from "./system-fault.ts";

export interface StoredArchive extends ArchiveName, DatedArchive {
	/** In the directory. */
	readonly name: string;
	/** Of this host. */
	readonly path: string;
	/** As it is stored. */
	readonly sizeBytes: number;
}

export class ArchiveDirectory {
	readonly #path: string;
	readonly #log: Log;

	/** Nothing is made there. Fault: INVALID_PATH, when it is no absolute path. */
	constructor(path: string, log: Log) {
		if (!path.startsWith("/")) throw volumeFaults.INVALID_PATH({ path, problem: "it is no absolute path" });
		this.#path = path;
		this.#log = log;
	}

	/** It is there and can be read. Faults: INVALID_PATH, KERNEL_REFUSED. */
	async check(): Promise<void> {
		await this.#names();
	}

	/** The volume's, newest first; what goes meanwhile is left out. Faults: INVALID_PATH, KERNEL_REFUSED. */
	async list(volume: VolumeName): Promise<StoredArchive[]> {
		const found: StoredArchive[] = [];
		for (const name of await this.#names()) {
			const parts = findArchiveName(name);
			if (parts?.volume !== volume) continue;
			const path = join(this.#path, name);
			const stat = await atSystem(`looking at ${path}`, path, () => statIfThere(path));
			if (stat?.isFile() === true) found.push({ ...parts, name, path, sizeBytes: stat.size });
		}
		return found.sort(newerFirst);
	}

	/**
	 * Durable when it resolves; one that is not there is success. What cannot be removed keeps no other one from it: the first
	 * refusal is thrown at the end. Faults: KERNEL_REFUSED.
	 */
	async remove(archives: readonly StoredArchive[]): Promise<void> {
		if (archives.length === 0) return;
		const refusals: unknown[] = [];
		for (const { name, volume } of archives) {
			const path = join(this.#path, name);
			try {
				if (await unlinkIfThere(path)) this.#log.change("volume.archive.remove", { path, volume });
			} catch (error) {
				this.#log.warn("an archive is still there", { path, err: error });
				refusals.push(systemFault(`removing ${path}`, path, error));
			}
		}
		await atSystem(`syncing ${this.#path}`, this.#path, () => syncDirectory(this.#path));
		if (refusals.length > 0) throw refusals[0];
	}

	async #names(): Promise<string[]> {
		const path = this.#path;
		try {
			return await readdir(path);
		} catch (error) {
			if (!isErrno(error, "ENOENT", "ENOTDIR")) throw systemFault(`reading ${path}`, path, error);
			throw volumeFaults.INVALID_PATH({ path, problem: "there is no such directory" }, { cause: error });
		}
	}
}

async function statIfThere(path: string): Promise<Stats | undefined> {
	try {
		return await lstat(path);
	} catch (error) {
		if (isErrno(error, "ENOENT")) return undefined;
		throw error;
	}
}

/** False: it is not there. */
async function unlinkIfThere(path: string): Promise<boolean> {
	try {
		await unlink(path);
		return true;
	} catch (error) {
		if (isErrno(error, "ENOENT")) return false;
		throw error;
	}
}
