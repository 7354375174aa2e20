/**
 * The files of containers' logs: `log` is written by conmon, `log.1` is the one before it, and so on. The oldest goes.
 *
 * conmon in Debian 12 can only replace its file (`--log-size-max`), which loses all of it and counts from zero at each start; so the
 * file is renamed here and conmon told to begin another one. Until it does, it writes on in the renamed one: nothing is lost. Whoever
 * follows a log holds its files open, and is given those that come.
 */
import { constants, statSync } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Locks } from "#lib/concurrency/locks.ts";
import { isErrno } from "#lib/linux/libc.ts";

export interface LogLimits {
	/** Infinity: no bound. */
	readonly maxSizeBytes: number;
	/** With the one that is written. */
	readonly maxFiles: number;
}

/** conmon's control message for another log file: its type, and two numbers that it reads and does not use. */
const REOPEN = "2 0 0\n";
const REOPENED_ATTEMPTS = 200;
const LOOK_MS = 10;

export class LogFiles {
	readonly #dirOf: (id: string) => string;
	readonly #locks = new Locks();
	readonly #followers = new Map<string, Set<LogChain>>();

	constructor(dirOf: (id: string) => string) {
		this.#dirOf = dirOf;
	}

	/** All files that are there, the oldest first, held open. With `make` an empty one is made when there is none. */
	async open(id: string, make: boolean): Promise<LogChain> {
		using _ = await this.#locks.take(id);
		const path = this.#path(id);
		const older: FileHandle[] = [];
		for (let number = 1; ; number++) {
			const file = await openIfThere(`${path}.${number}`);
			if (file === undefined) break;
			older.unshift(file);
		}
		// With older ones there it is conmon that makes the next.
		const last = make && older.length === 0 ? await open(path, "a+", 0o600) : await openIfThere(path);
		const followers = this.#followers.get(id) ?? new Set();
		this.#followers.set(id, followers);
		const chain = new LogChain(last === undefined ? older : [...older, last], path, () => {
			followers.delete(chain);
			if (followers.size === 0) this.#followers.delete(id);
		});
		followers.add(chain);
		return chain;
	}

	/** Begins another file when the one that is written has its size. True when it did. */
	async rotate(id: string, { maxSizeBytes, maxFiles }: LogLimits): Promise<boolean> {
		const path = this.#path(id);
		const size = sizeOf(path);
		// Not there: a gateway was killed between the renaming and the telling.
		if (size !== undefined && size < maxSizeBytes) return false;
		using _ = await this.#locks.take(id);
		const control = await controlOf(this.#dirOf(id));
		if (control === undefined) return false; // nobody writes
		try {
			const chains = this.#followers.get(id) ?? [];
			for (const chain of chains) await chain.extend();
			const before = await inodeAt(path);
			if (size !== undefined) await shift(path, maxFiles);
			await control.write(REOPEN);
			for (let attempt = 0; attempt < REOPENED_ATTEMPTS; attempt++) {
				const inode = await inodeAt(path);
				if (inode !== undefined && inode !== before) break;
				await sleep(LOOK_MS);
			}
			for (const chain of chains) await chain.extend();
		} finally {
			await control.close();
		}
		return true;
	}

	#path(id: string): string {
		return join(this.#dirOf(id), "log");
	}
}

/** A log's files in the order in which they were written, for one reader. */
export class LogChain implements AsyncDisposable {
	/** Called when the chain has got another file. */
	onExtended: () => void = () => undefined;
	readonly #files: FileHandle[];
	readonly #path: string;
	readonly #closed: () => void;
	#inode: bigint | undefined;

	constructor(files: FileHandle[], path: string, closed: () => void) {
		this.#files = files;
		this.#path = path;
		this.#closed = closed;
	}

	get files(): readonly FileHandle[] {
		return this.#files;
	}

	/** The file that conmon writes now is the last one. */
	async extend(): Promise<void> {
		const file = await openIfThere(this.#path);
		if (file === undefined) return;
		this.#inode ??= await inodeOf(this.#files.at(-1));
		const inode = await inodeOf(file);
		if (inode === this.#inode) return file.close();
		this.#inode = inode;
		this.#files.push(file);
		this.onExtended();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#closed();
		await Promise.all(this.#files.map((file) => file.close()));
	}
}

/** `log` becomes `log.1`, that `log.2`; what would be one file too many goes. */
async function shift(path: string, maxFiles: number): Promise<void> {
	if (maxFiles === 1) return; // conmon replaces it
	await rm(`${path}.${maxFiles - 1}`, { force: true });
	for (let number = maxFiles - 2; number >= 1; number--)
		await renameIfThere(`${path}.${number}`, `${path}.${number + 1}`);
	await renameIfThere(path, `${path}.1`);
}

async function renameIfThere(from: string, to: string): Promise<void> {
	try {
		await rename(from, to);
	} catch (error) {
		if (!isErrno(error, "ENOENT")) throw error;
	}
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
	try {
		return await open(path, "r");
	} catch (error) {
		if (isErrno(error, "ENOENT")) return undefined;
		throw error;
	}
}

/** conmon's named pipe; undefined when no conmon reads it. */
async function controlOf(dir: string): Promise<FileHandle | undefined> {
	try {
		return await open(join(dir, "ctl"), constants.O_WRONLY | constants.O_NONBLOCK);
	} catch (error) {
		if (isErrno(error, "ENOENT", "ENXIO")) return undefined;
		throw error;
	}
}

/** Asked of every container that runs, every second: a call that takes no thread. */
function sizeOf(path: string): number | undefined {
	return statSync(path, { throwIfNoEntry: false })?.size;
}

async function inodeAt(path: string): Promise<bigint | undefined> {
	await using file = await openIfThere(path);
	return inodeOf(file);
}

async function inodeOf(file: FileHandle | undefined): Promise<bigint | undefined> {
	return file && (await file.stat({ bigint: true })).ino;
}
