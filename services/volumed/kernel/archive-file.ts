/** An archive as a file of this host: it appears under its name whole, or not at all. */
import { constants, fstatSync } from "node:fs";
import { type FileHandle, link, lstat, open, readlink, rename, rm, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { killPoint } from "#lib/config/kill-point.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { renameNew, syncDirectory } from "#lib/linux/mount/directory.ts";
import { volumeFaults } from "../faults.ts";
import type { ArchiveTarget } from "../tree/archive-target.ts";
import { giveBack } from "../tree/given-back.ts";
import { atSystem, systemFault } from "./system-fault.ts";

const READ_BYTES = 1024 * 1024;
/** Of a fifo nobody is waited for who writes to it, and a terminal is not taken over. */
const O_LOOK = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/** Where the archive is until it is whole: beside its final place, so that a rename is enough. */
export function temporaryOf(path: string, id: string): string {
	return join(dirname(path), `.wharf-backup-${id}.partial`);
}

/** Refuses what can be seen beforehand. Faults: INVALID_PATH, FILE_EXISTS. */
export async function checkTarget(path: string, overwrite: boolean): Promise<void> {
	if (!path.startsWith("/") || path.endsWith("/"))
		throw volumeFaults.INVALID_PATH({ path, problem: "it is no absolute path of a file" });
	const folder = await stat(dirname(path)).catch(() => undefined);
	if (folder?.isDirectory() !== true) {
		throw volumeFaults.INVALID_PATH({ path, problem: `there is no directory ${dirname(path)}` });
	}
	if ((await refuseOther(path)) && !overwrite) throw volumeFaults.FILE_EXISTS({ path });
}

/** Whether there is a file. What else has the name is nothing that an archive may replace: a device, a link, a socket. */
async function refuseOther(path: string): Promise<boolean> {
	const there = await lstat(path).catch((error: unknown) => {
		if (isErrno(error, "ENAMETOOLONG")) throw volumeFaults.INVALID_PATH({ path, problem: "its name is too long" });
		return undefined;
	});
	if (there === undefined || there.isFile()) return there !== undefined;
	const isNamed = there.isDirectory() ? "a directory" : there.isSymbolicLink() ? "a symlink" : undefined;
	const problem = isNamed === undefined ? "it is no ordinary file, and stays what it is" : `it is ${isNamed}`;
	throw volumeFaults.INVALID_PATH({ path, problem });
}

/** Fault: INVALID_PATH. */
export async function openArchive(path: string): Promise<FileHandle> {
	if (!path.startsWith("/")) throw volumeFaults.INVALID_PATH({ path, problem: "it is no absolute path" });
	let handle: FileHandle;
	try {
		handle = await open(path, O_LOOK);
	} catch (error) {
		throw volumeFaults.INVALID_PATH(
			{ path, problem: isErrno(error, "ENOENT") ? "there is no such file" : (error as Error).message },
			{ cause: error },
		);
	}
	if ((await handle.stat()).isFile()) return handle;
	await handle.close();
	throw volumeFaults.INVALID_PATH({ path, problem: "it is no ordinary file" });
}

/** An archive's bytes as they are stored. */
export interface StoredArchive extends AsyncIterable<Buffer> {
	/** Undefined: nobody knows yet. */
	readonly sizeBytes?: number;
	/** Of those, what is no hole: a size costs nothing. */
	readonly dataBytes?: number;
}

/** The file stays open. A buffer is the reader's until it asks for the next one, which is read meanwhile. */
export function bytesOf(handle: FileHandle): StoredArchive {
	const { size, blocks } = fstatSync(handle.fd);
	return Object.assign(readAhead(handle), { sizeBytes: size, dataBytes: Math.min(size, blocks * 512) });
}

/** There are two buffers, for all of the file. */
async function* readAhead(handle: FileHandle): AsyncGenerator<Buffer, void> {
	let [given, read] = [Buffer.allocUnsafeSlow(READ_BYTES), Buffer.allocUnsafeSlow(READ_BYTES)];
	let reading = handle.read(read);
	for (;;) {
		const { bytesRead } = await reading;
		if (bytesRead === 0) return giveBack([given, read]);
		[given, read] = [read, given];
		reading = handle.read(read);
		reading.catch(() => undefined); // it is awaited above, but for when nobody asks any more
		yield given.subarray(0, bytesRead);
	}
}

export class ArchiveFile implements AsyncDisposable {
	readonly #path: string;
	readonly #temporary: string;
	readonly #handle: FileHandle;
	#isWhole = false;

	private constructor(path: string, temporary: string, handle: FileHandle) {
		this.#path = path;
		this.#temporary = temporary;
		this.#handle = handle;
	}

	static async create(path: string, temporary: string): Promise<ArchiveFile> {
		const handle = await atSystem(`making ${temporary}`, path, () => open(temporary, "wx", 0o600));
		killPoint("volumed.archive.open");
		return new ArchiveFile(path, temporary, handle);
	}

	/** For somebody else who writes to it, as long as nothing is written here. */
	get target(): ArchiveTarget {
		return { fd: this.#handle.fd, path: this.#path, temporary: this.#temporary };
	}

	write(bytes: Buffer): Promise<void> {
		return atSystem(`writing ${this.#temporary}`, this.#path, async () => {
			for (let at = 0; at < bytes.length; ) at += (await this.#handle.write(bytes, at)).bytesWritten;
		});
	}

	/** On the disk, whole. Answers what it is, wherever it will be. */
	async seal(): Promise<string> {
		await atSystem(`writing ${this.#temporary}`, this.#path, () => this.#handle.sync());
		this.#isWhole = true;
		const { dev, ino } = await this.#handle.stat({ bigint: true });
		return `${dev}:${ino}`;
	}

	/** Gives it its name. Fault: FILE_EXISTS when another came meanwhile and is not to be replaced. */
	async publish(overwrite: boolean): Promise<void> {
		const [from, to] = [this.#temporary, this.#path];
		const replaces = overwrite && (await refuseOther(to));
		try {
			if (replaces) await rename(from, to);
			else await renameUnlessThere(from, to);
		} catch (error) {
			if (isErrno(error, "EEXIST")) throw volumeFaults.FILE_EXISTS({ path: to });
			if (isErrno(error, "ENOENT")) {
				const problem = `the directory ${dirname(to)} was removed or renamed meanwhile`;
				throw volumeFaults.INVALID_PATH({ path: to, problem }, { cause: error });
			}
			throw systemFault(`making ${to}`, to, error);
		}
		killPoint("volumed.archive.rename");
		await atSystem(`syncing ${dirname(to)}, where ${to} is whole,`, to, () => syncDirectory(dirname(to)));
	}

	/** A file that was not published is gone afterwards. */
	async [Symbol.asyncDispose](): Promise<void> {
		// Whoever still has it open, as a thread that waits inside the kernel, has nothing of it. If that cannot be, it goes with him.
		if (!this.#isWhole) await this.#handle.truncate(0).catch(() => undefined);
		const temporary = await placeOf(this.#handle, this.#temporary);
		await this.#handle.close();
		await removeTemporary(temporary);
	}
}

/** Where it is now: its directory may have been renamed. */
async function placeOf({ fd }: FileHandle, temporary: string): Promise<string> {
	const place = await readlink(`/proc/self/fd/${fd}`).catch(() => temporary);
	return basename(place) === basename(temporary) ? place : temporary;
}

export async function removeTemporary(path: string): Promise<void> {
	await rm(path, { force: true });
}

export async function fileIdentity(path: string): Promise<string | undefined> {
	const found = await stat(path, { bigint: true }).catch(() => undefined);
	return found && `${found.dev}:${found.ino}`;
}

/** File systems without RENAME_NOREPLACE (NFS) say EINVAL; a second name and one less does the same there. */
async function renameUnlessThere(from: string, to: string): Promise<void> {
	try {
		renameNew(from, to);
	} catch (error) {
		if (!isErrno(error, "EINVAL")) throw error;
		await link(from, to);
		await unlink(from);
	}
}
