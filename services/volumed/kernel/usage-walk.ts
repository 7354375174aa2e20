/**
 * Counts what is in a directory, a slice of time after the other.
 *
 * Synchronous, for a thread of its own: a call that waits costs two microseconds an entry so, and thirty otherwise. Nothing is followed,
 * no other file system is entered, and what vanishes meanwhile was not there.
 */
import { closeSync, constants, lstatSync, openSync, readdirSync, type Stats, statSync } from "node:fs";
import { isErrno } from "#lib/linux/libc.ts";
import { BLOCK, padded } from "../archive/header.ts";
import { archiveBeginning } from "../archive/promise.ts";
import { isStage } from "../stage-name.ts";

/** Of every file system, whatever its blocks are: stat(2). */
const BLOCK_BYTES = 512;

/** Of an entry in an archive: its header, and another one with what is more exact, which has a block. */
const HEADER_BYTES = 3 * BLOCK;

/** Entries between two looks at the clock. */
const AT_ONCE = 128;

/** A path has 4095 bytes at most; a directory that is deeper is reached through a descriptor. */
const LONGEST_PATH = 3_000;
/** So many descriptors one walk has: 1.5 million bytes of path, or directories within each other. */
const MOST_ANCHORS = 512;

/** What paths begin with. */
interface Anchor {
	readonly path: string;
	readonly fd: number | undefined;
	/** Directories that wait to be looked into and are named from here. */
	uses: number;
}

interface Directory {
	readonly anchor: Anchor;
	/** Below the anchor, with a slash before it. */
	readonly path: string;
}

/** Paths in here are strings of bytes (`latin1`): a name may be any. */
export class UsageWalk implements Disposable {
	bytes = 0;
	files = 0;
	/** About so many are in an archive of it: attributes and long names are not counted. */
	archiveBytes = archiveBeginning().length + HEADER_BYTES;
	readonly #device: number;
	readonly #root: string;
	readonly #waiting: Directory[];
	/** Inodes that have other names: each is counted once. A number that is not exact is looked up as a bigint. */
	readonly #seen = new Set<number | bigint>();
	readonly #anchors = new Set<Anchor>();
	/** The one that is looked into, its path, and what is in it. */
	#directory: Directory | undefined;
	#path = "";
	#names: string[] = [];
	#next = 0;

	/** A system's error when there is no such directory, as from `advance` when something cannot be looked at. */
	constructor(root: string) {
		const found = statSync(root);
		if (!found.isDirectory()) throw Object.assign(new Error(`${root} is no directory`), { code: "ENOTDIR" });
		this.#device = found.dev;
		this.#root = Buffer.from(root).toString("latin1");
		this.#waiting = [{ anchor: { path: this.#root, fd: undefined, uses: 1 }, path: "" }];
	}

	/** True: all is counted. False: there is more, and it is after `deadline` of performance.now(). */
	advance(deadline: number): boolean {
		for (let looked = 1; ; looked++) {
			if (this.#next >= this.#names.length && !this.#enterNext()) return true;
			this.#count(this.#names[this.#next++] ?? "");
			if (looked % AT_ONCE === 0 && performance.now() >= deadline) return false;
		}
	}

	/** The next directory that has something; false: there is none. */
	#enterNext(): boolean {
		for (;;) {
			if (this.#directory !== undefined) this.#release(this.#directory.anchor);
			this.#directory = undefined;
			const next = this.#waiting.pop();
			if (next === undefined) return false;
			this.#directory = this.#anchored(next);
			if (this.#directory === undefined) continue;
			this.#path = fullPath(this.#directory);
			this.#names = namesIn(this.#path);
			// A restore's stage at the root is no part of the content.
			if (this.#path === this.#root) this.#names = this.#names.filter((name) => !isStage(name));
			this.#next = 0;
			if (this.#names.length > 0) return true;
		}
	}

	#count(name: string): void {
		const path = `${this.#path}/${name}`;
		const found = lstatSync(asPath(path), { throwIfNoEntry: false });
		if (found === undefined || found.dev !== this.#device) return;
		this.files++;
		this.archiveBytes += HEADER_BYTES;
		if (found.isDirectory()) this.#wait(name);
		else if (found.nlink > 1 && !this.#isNew(path, found)) return;
		this.bytes += found.blocks * BLOCK_BYTES;
		if (found.isFile()) this.archiveBytes += archivedBytes(found);
	}

	#wait(name: string): void {
		if (this.#directory === undefined) return;
		const { anchor, path } = this.#directory;
		anchor.uses++;
		this.#waiting.push({ anchor, path: `${path}/${name}` });
	}

	#isNew(path: string, { ino }: Stats): boolean {
		const inode = Number.isSafeInteger(ino)
			? ino
			: lstatSync(asPath(path), { bigint: true, throwIfNoEntry: false })?.ino;
		if (inode === undefined || this.#seen.has(inode)) return false;
		this.#seen.add(inode);
		return true;
	}

	/** As it is, or by a descriptor when its path would soon be too long; undefined: it has vanished. */
	#anchored(directory: Directory): Directory | undefined {
		const path = fullPath(directory);
		if (path.length < LONGEST_PATH) return directory;
		if (this.#anchors.size >= MOST_ANCHORS) throw Object.assign(new Error("too deep"), { code: "ENAMETOOLONG" });
		const fd = openDirectory(path);
		this.#release(directory.anchor);
		if (fd === undefined) return undefined;
		const anchor = { path: `/proc/self/fd/${fd}`, fd, uses: 1 };
		this.#anchors.add(anchor);
		return { anchor, path: "" };
	}

	#release(anchor: Anchor): void {
		anchor.uses--;
		if (anchor.uses > 0 || anchor.fd === undefined) return;
		closeSync(anchor.fd);
		this.#anchors.delete(anchor);
	}

	[Symbol.dispose](): void {
		for (const { fd } of this.#anchors) if (fd !== undefined) closeSync(fd);
		this.#anchors.clear();
		this.#names = [];
		this.#waiting.length = 0;
		this.#directory = undefined;
	}
}

/** Holes are not archived. */
function archivedBytes({ size, blocks }: Stats): number {
	return padded(Math.min(size, blocks * BLOCK_BYTES));
}

function fullPath({ anchor, path }: Directory): string {
	return anchor.path + path;
}

/** Bytes for what is no ASCII: as a string it would be written as UTF-8. */
function asPath(path: string): string | Buffer {
	// oxlint-disable-next-line no-control-regex -- ASCII begins there
	return /^[\u0000-\u007f]*$/.test(path) ? path : Buffer.from(path, "latin1");
}

/** None of one that has vanished. */
function namesIn(path: string): string[] {
	try {
		return readdirSync(asPath(path), { encoding: "latin1" });
	} catch (error) {
		if (isErrno(error, "ENOENT", "ENOTDIR")) return [];
		throw error;
	}
}

function openDirectory(path: string): number | undefined {
	try {
		return openSync(asPath(path), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
	} catch (error) {
		if (isErrno(error, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
		throw error;
	}
}
