/**
 * Refuses what does not fit, before it is written: bytes and names. It is also the bound on what a small compressed archive can blow up to.
 */
import { statfsSync } from "node:fs";
import type { Entry } from "../archive/entry.ts";
import { volumeFaults } from "../faults.ts";

/** What the disk keeps for others. */
const FREE_SHARE = 0.98;

export class Room {
	readonly #path: string;
	readonly #freeBytes: number;
	/** Infinity where a file system makes inodes as they are wanted. */
	readonly #freeNames: number;
	#bytes = 0;
	#names = 0;

	/** On the file system of the directory that is open. The path is for people. */
	constructor(directory: number, path: string) {
		const { bavail, bsize, files, ffree } = statfsSync(`/proc/self/fd/${directory}`);
		this.#path = path;
		this.#freeBytes = bavail * bsize * FREE_SHARE;
		this.#freeNames = files === 0 ? Number.POSITIVE_INFINITY : ffree * FREE_SHARE;
	}

	/** An entry with its content. Fault, here and below: DISK_FULL. */
	take(entry: Entry): void {
		this.takeBytes(entry.storedSize);
		this.takeName(entry);
	}

	takeBytes(bytes: number): void {
		this.#bytes += bytes;
		if (this.#bytes > this.#freeBytes) throw this.#full(this.#freeBytes, "bytes");
	}

	/** A hard link is no inode. */
	takeName({ type }: Pick<Entry, "type">): void {
		if (type !== "hardlink") this.#names += 1;
		if (this.#names > this.#freeNames) throw this.#full(this.#freeNames, "inodes");
	}

	#full(free: number, what: string): Error {
		const problem = `what is to be written needs more than the ${Math.floor(free)} ${what} that are free`;
		return volumeFaults.DISK_FULL({ path: this.#path, problem });
	}
}
