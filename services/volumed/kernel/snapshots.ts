/** What is in a directory at one moment, where its file system can tell that: to be read while others go on writing. */
import { readdir } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { killPoint } from "#lib/config/kill-point.ts";
import type { Aside } from "#lib/linux/aside.ts";
import { isBtrfs } from "#lib/linux/btrfs.ts";
import { isErrno } from "#lib/linux/libc.ts";
import type { Log } from "#lib/log/log.ts";

export interface Snapshot extends AsyncDisposable {
	/** It is there, and as it was, until it is disposed. */
	readonly path: string;
}

/** Subvolumes of btrfs; a snapshot takes the time of a transaction, whatever is in there. */
export class Snapshots {
	readonly #folder: string;
	readonly #aside: Aside;
	readonly #log: Log;

	/** `folder` is for snapshots alone, on the file system of what they are of. */
	constructor(folder: string, aside: Aside, log: Log) {
		this.#folder = folder;
		this.#aside = aside;
		this.#log = log;
	}

	/** Undefined: there can be none, or it would not have everything. */
	async take(path: string): Promise<Snapshot | undefined> {
		try {
			// The content may be on a server that does not answer: it is not looked at here, and only where there may be a snapshot.
			if (!isBtrfs(this.#folder) || !(await this.#aside.call("isSubvolume", path))) return undefined;
			if (await this.#aside.call("holdsSubvolumes", path)) return undefined;
			const snapshot = join(this.#folder, randomBytes(16).toString("hex"));
			await this.#aside.call("snapshotSubvolume", path, snapshot);
			killPoint("volumed.snapshot.taken");
			return { path: snapshot, [Symbol.asyncDispose]: () => this.#remove(snapshot) };
		} catch (error) {
			// Without one it is read as it is.
			if (!isErrno(error, "EXDEV")) this.#log.warn("no snapshot could be taken", { path, err: error });
			return undefined;
		}
	}

	/** What a volumed that was killed has left goes: at the start, before the first is taken. */
	async mend(): Promise<void> {
		for (const name of await readdir(this.#folder)) await this.#remove(join(this.#folder, name));
	}

	async #remove(path: string): Promise<void> {
		try {
			await this.#aside.call("destroySubvolume", path);
		} catch (error) {
			this.#log.warn("a snapshot is still there until the next start", { path, err: error });
		}
	}
}
