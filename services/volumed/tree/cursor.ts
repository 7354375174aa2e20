/**
 * Goes through a directory tree, parents before children, names in the order of their bytes: the same tree always in the same order.
 *
 * Synchronous, for a thread of its own. Nothing is followed, and no other mount is entered. What vanishes meanwhile was not there. Names
 * and paths are strings with a character a byte (`latin1`).
 */
import { atCall, isErrno, LinuxError, must } from "#lib/linux/libc.ts";
import { DT_REG, nameOf, namesIn, typeOf } from "#lib/linux/files/names.ts";
import { closeFile, openDirectory, openFile } from "#lib/linux/files/open.ts";
import { FileStatus, S_IFDIR, S_IFREG } from "#lib/linux/files/status.ts";

/** So many directories within each other are open at a time; those above are opened again on the way back. */
const MOST_OPEN = 256;

/** Whether a path is gone to; of a directory that is not, nothing below is either. */
export type Wanted = (path: string, isDirectory: boolean) => boolean;

/** A file by what its status says, and its number first: that is quick to tell from another one's. */
export type Inode = Pick<FileStatus, "inode" | "identity">;

export interface CursorOptions {
	readonly wanted?: Wanted | undefined;
	/** It is not gone to. */
	readonly without?: Inode | undefined;
	/** Files are not opened but by `open`. */
	readonly onlyLooks?: boolean;
}

const NO_NAMES: readonly string[] = [];

interface Level {
	/** Undefined: there are too many below it. */
	fd: number | undefined;
	readonly name: string;
	/** With a slash at its end; empty for the root. */
	readonly prefix: string;
	identity: string;
	names: readonly string[];
	next: number;
}

export class TreeCursor implements Disposable {
	/** Of what it is at. */
	readonly status = new FileStatus();
	path = "";
	name = "";
	/** The directory that the name is in; of the root the root itself. */
	directory = 0;
	/** Of a directory or a file: itself, open until the next one. */
	fd: number | undefined;
	#file: number | undefined;
	readonly #levels: Level[] = [];
	readonly #root: number;
	readonly #mountId: number;
	readonly #wanted: Wanted | undefined;
	readonly #without: Inode | undefined;
	readonly #onlyLooks: boolean;
	/** Of a directory above. */
	readonly #other = new FileStatus();
	#began = false;
	#isOpen = true;

	/** `root` is an open directory and stays the caller's. */
	constructor(root: number, { wanted, without, onlyLooks = false }: CursorOptions = {}) {
		// Of its own, for a descriptor knows how far a directory was read.
		this.#root = must(openDirectory(root, "."), "open the root");
		this.#wanted = wanted;
		this.#without = without;
		this.#onlyLooks = onlyLooks;
		must(this.status.ofDescriptor(this.#root), "statx");
		this.#mountId = this.status.mountId;
	}

	/** Goes to the next one; false: there is none. */
	next(): boolean {
		if (!this.#began) return this.#begin();
		this.#closeFile();
		for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
			const name = level.names[level.next++];
			if (name === undefined) this.#leave();
			else if (this.#look(level, name)) {
				if (!this.#isLeftOut()) return true;
				this.#closeFile();
			}
		}
		return false;
	}

	#isLeftOut(): boolean {
		const without = this.#without;
		return without?.inode === this.status.inode && without.identity === this.status.identity;
	}

	#begin(): boolean {
		this.#began = true;
		this.directory = this.fd = this.#root;
		const { identity } = this.status;
		this.#levels.push({ fd: this.#root, name: "", prefix: "", identity, names: this.#namesIn(this.#root), next: 0 });
		return true;
	}

	#look(level: Level, listed: string): boolean {
		const name = nameOf(listed);
		level.fd ??= this.#reopen(level);
		if (level.fd === undefined) {
			// Moved away while what is in it was walked: the rest was not there.
			level.next = level.names.length;
			return false;
		}
		this.directory = level.fd;
		this.name = name;
		this.path = level.prefix + name;
		this.fd = undefined;
		if (typeOf(listed) === DT_REG && !this.#onlyLooks) {
			if (!this.#isWanted(false)) return false;
			if (this.open()) return true;
		}
		// It has gone, or is something else now: then it is taken as that.
		const failed = this.status.ofName(this.directory, name);
		if (failed < 0) return gone(failed, this.path);
		if (this.status.mountId !== this.#mountId) return false;
		const isDirectory = this.status.type === S_IFDIR;
		if (!this.#isWanted(isDirectory)) return false;
		if (this.status.type === S_IFREG) return this.#onlyLooks || this.open();
		return !isDirectory || this.#enter(this.directory, name);
	}

	#isWanted(isDirectory: boolean): boolean {
		return this.#wanted === undefined || this.#wanted(this.path, isDirectory);
	}

	/** A file, by the name that it is at; false when it is none any more. What the name is now need not be what it was. */
	open(): boolean {
		const fd = openFile(this.directory, this.name);
		if (fd < 0) return gone(fd, this.path);
		this.#file = fd;
		this.#lookAt(fd);
		if (this.status.mountId !== this.#mountId || this.status.type !== S_IFREG) {
			this.#closeFile();
			return false;
		}
		this.fd = fd;
		return true;
	}

	#lookAt(fd: number): void {
		const failed = this.status.ofDescriptor(fd);
		if (failed < 0) throw new LinuxError(-failed, `statx ${this.path}`);
	}

	#closeFile(): void {
		if (this.#file !== undefined) closeFile(this.#file);
		this.#file = undefined;
	}

	#enter(directory: number, name: string): boolean {
		const fd = openDirectory(directory, name);
		if (fd < 0) return gone(fd, this.path);
		const level: Level = { fd, name, prefix: `${this.path}/`, identity: "", names: NO_NAMES, next: 0 };
		// Whatever happens now, it is closed with the others.
		this.#levels.push(level);
		this.#lookAt(fd);
		if (this.status.mountId !== this.#mountId) {
			this.#leave();
			return false;
		}
		this.fd = fd;
		level.identity = this.status.identity;
		level.names = this.#namesIn(fd);
		const above = this.#levels.at(-1 - MOST_OPEN);
		if (above !== undefined && above !== this.#levels[0]) this.#close(above);
		return true;
	}

	/** In one that was removed after it was opened there is nothing, and the kernel says ENOENT. */
	#namesIn(fd: number): readonly string[] {
		try {
			return atCall(`getdents64 ${this.path}`, () => namesIn(fd));
		} catch (error) {
			if (isErrno(error, "ENOENT")) return NO_NAMES;
			throw error;
		}
	}

	/** The one above it is open afterwards, unless this one was moved meanwhile. */
	#leave(): void {
		const left = this.#levels.pop();
		const above = this.#levels.at(-1);
		if (left === undefined || above === undefined) return;
		if (above.fd === undefined && left.fd !== undefined) above.fd = this.#parent(left.fd, above);
		this.#close(left);
	}

	#parent(fd: number, { identity }: Level): number | undefined {
		const parent = openDirectory(fd, "..");
		if (parent < 0) return undefined;
		if (this.#other.ofDescriptor(parent) === 0 && this.#other.identity === identity) return parent;
		closeFile(parent);
		return undefined;
	}

	#close(level: Level): void {
		if (level.fd !== undefined) closeFile(level.fd);
		level.fd = undefined;
	}

	/** From the nearest one above that is open, by the names that led here. Undefined: they lead somewhere else now. */
	#reopen(level: Level): number | undefined {
		const depth = this.#levels.indexOf(level);
		let start = depth;
		while (start > 0 && this.#levels[start]?.fd === undefined) start -= 1;
		let fd = this.#levels[start]?.fd ?? this.#root;
		for (let at = start + 1; at <= depth; at++) {
			const next = openDirectory(fd, this.#levels[at]?.name ?? "");
			if (at > start + 1) closeFile(fd);
			if (next < 0) {
				gone(next, level.prefix);
				return undefined;
			}
			fd = next;
		}
		return fd;
	}

	[Symbol.dispose](): void {
		this.#closeFile();
		while (this.#levels.length > 0) this.#leave();
		if (this.#isOpen) closeFile(this.#root);
		this.#isOpen = false;
	}
}

function gone(errno: number, path: string): false {
	const error = new LinuxError(-errno, `open ${path}`);
	if (isErrno(error, "ENOENT", "ENOTDIR", "ELOOP", "ENXIO")) return false;
	throw error;
}
