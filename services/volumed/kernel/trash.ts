/** What was given up, until it is gone: moved here in one step, and taken off the disk in the background. */
import { randomBytes } from "node:crypto";
import { realpathSync } from "node:fs";
import { readdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "#lib/exec/run.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { unmount } from "#lib/linux/mount/mount.ts";
import { mountinfo } from "#lib/linux/mount/mountinfo.ts";
import type { Log } from "#lib/log/log.ts";
import { renameIfThere } from "./in-place.ts";
import { atSystem } from "./system-fault.ts";

/** What is given up in a moment is swept together, and not in the moment in which others wait for the disk. */
const SWEEP_MS = 100;
const AT_ONCE = 500;

export class Trash {
	readonly #folder: string;
	/** The directory in a volume's own that has its content. */
	readonly #data: string;
	readonly #log: Log;
	#sweeping: Promise<void> | undefined;

	constructor(folder: string, data: string, log: Log) {
		this.#folder = folder;
		this.#data = data;
		this.#log = log;
	}

	/** False: it was not there. */
	async put(path: string, name: string): Promise<boolean> {
		const target = join(this.#folder, `${name}.${randomBytes(8).toString("hex")}`);
		return await atSystem(`removing ${path}`, path, async () => renameIfThere(path, target));
	}

	/** One at a time, in the background; what cannot be removed is said in the log and tried again with the next. */
	sweepLater(): void {
		this.#sweeping ??= this.#sweepAll()
			.catch((error: unknown) => this.#log.warn("what was removed is still on the disk", { err: error }))
			.finally(() => {
				this.#sweeping = undefined;
			});
	}

	/** What is empty costs two calls; a program is for what is large. */
	async #sweepAll(): Promise<void> {
		const trash = this.#folder;
		for (;;) {
			await sleep(SWEEP_MS);
			const names = (await readdir(trash)).slice(0, AT_ONCE);
			if (names.length === 0) return;
			const full: string[] = [];
			for (const name of names) if (!(await removedEmpty(join(trash, name), this.#data))) full.push(join(trash, name));
			// What somebody has mounted in it is not the volume's: rm stops at other file systems, and not at another directory of this one.
			if (full.length === 0) continue;
			detachBelow(trash);
			await run("rm", ["-rf", "--one-file-system", "--", ...full]);
		}
	}

	/** Resolves when nothing is left of what was there. */
	async sweep(): Promise<void> {
		while (this.#sweeping !== undefined) await this.#sweeping;
		this.sweepLater();
		// sweepLater has set it, which the compiler does not see.
		await (this.#sweeping as Promise<void> | undefined);
	}
}

function detachBelow(path: string): void {
	const below = `${realpathSync(path)}/`;
	const targets = mountinfo().map(({ target }) => target);
	for (const target of targets.filter((one) => one.startsWith(below)).toReversed()) unmount(target, { detach: true });
}

/** A volume's directory, or a stage, with nothing in it. */
async function removedEmpty(path: string, data: string): Promise<boolean> {
	try {
		await rmdir(join(path, data)).catch((error: unknown) => {
			if (!isErrno(error, "ENOENT")) throw error;
		});
		await rmdir(path);
		return true;
	} catch (error) {
		if (isErrno(error, "ENOTEMPTY", "ENOTDIR", "EBUSY")) return false;
		throw error;
	}
}
