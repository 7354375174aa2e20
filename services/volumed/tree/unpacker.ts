/**
 * Entries, of a tar archive or of another tree, as files below a directory.
 *
 * Synchronous, for a thread of its own. Each name is resolved from the directory down by the kernel (`Places`), nothing is opened that was
 * not just made, and what is in an entry's place goes first. What gives programs more than their user has (set-id bits, capabilities,
 * attributes of the host's root) is kept back until `finish`, which is told whether it is wanted, unless that is known from the start.
 */
import { nameOf, namesIn } from "#lib/linux/files/names.ts";
import { closeFile, openDirectory } from "#lib/linux/files/open.ts";
import {
	makeDirectory,
	makeFile,
	makeLink,
	makeNode,
	makeSymlink,
	removeName,
	resize,
	writeAt,
} from "#lib/linux/files/make.ts";
import { FileStatus, S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFSOCK } from "#lib/linux/files/status.ts";
import { LinuxError, must } from "#lib/linux/libc.ts";
import { type Entry, shown } from "../archive/entry.ts";
import { type Dropped, placeOf } from "../archive/place.ts";
import { SparseContent } from "../archive/sparse.ts";
import { volumeFaults } from "../faults.ts";
import { Dresser, type Held, type Warn } from "./dresser.ts";
import { Places, splitPlace } from "./places.ts";
import { writingFault } from "./writing-fault.ts";

const ENOENT = 2;
const EEXIST = 17;
const PERMISSIONS = 0o777;
const SPECIAL = { fifo: S_IFIFO, char: S_IFCHR, block: S_IFBLK, socket: S_IFSOCK } as const;

interface Open {
	readonly entry: Entry;
	readonly fd: number;
	sparse: SparseContent | undefined;
	offset: number;
}

export class Unpacker implements Disposable {
	/** Names that it made and that are there. */
	names = 0;
	readonly #root: number;
	readonly #strip: Dropped;
	readonly #places: Places;
	readonly #dresser: Dresser;
	readonly #status = new FileStatus();
	/** Their times change while something is made in them. */
	readonly #directories = new Map<string, Entry>();
	/** By its place. */
	readonly #held = new Map<string, Held>();
	#open: Open | undefined;

	/** `root` is an open directory and stays the caller's. `warn` is told what cannot be kept here. With `holdsBack` rights are given last. */
	constructor(root: number, strip: Dropped, warn: Warn, { holdsBack = true } = {}) {
		this.#root = root;
		this.#strip = strip;
		this.#places = new Places(root);
		this.#dresser = new Dresser(warn, holdsBack);
	}

	/** Faults, here and below: ENTRY_REFUSED, DISK_FULL, KERNEL_REFUSED, ARCHIVE_CORRUPT. */
	entry(entry: Entry): void {
		const place = placeOf(entry.path, this.#strip);
		if (place === undefined) return;
		if (place === "") this.#directories.set(place, entry);
		else about(entry, () => this.#make(entry, place));
	}

	content(bytes: Buffer): void {
		const open = this.#open;
		if (open === undefined) return;
		if (open.sparse !== undefined) return open.sparse.push(bytes);
		this.#write(open, bytes, open.offset);
		open.offset += bytes.length;
	}

	/** In place of `content`: `fill` writes to the file itself, step by step. */
	*contentBy(fill: (fd: number) => Generator<void>): Generator<void> {
		if (this.#open !== undefined) yield* fill(this.#open.fd);
	}

	entryEnd(): void {
		const open = this.#open;
		if (open === undefined) return;
		this.#open = undefined;
		try {
			about(open.entry, () => {
				open.sparse?.end();
				if (open.sparse !== undefined) must(resize(open.fd, open.entry.size), "ftruncate");
				this.#hold(this.#dresser.open(open.fd, open.entry));
			});
		} finally {
			closeFile(open.fd);
		}
	}

	/** What was an entry is not one any more; what is in it went before. */
	remove(path: string): void {
		const place = placeOf(path, this.#strip);
		if (place === undefined || place === "") return;
		const [above, name] = splitPlace(place);
		// It went with its directory, in the place of which something else is.
		if (!this.#places.has(above)) return;
		const directory = this.#places.directory(above);
		if (this.#isThere(above, name)) this.#clear(directory, name, place);
	}

	/** What an earlier entry made goes, with all that is in it. */
	#clear(directory: number, name: string, place: string): void {
		this.#directories.delete(place);
		this.#held.delete(place);
		const isDirectory = this.#isDirectory(directory, name);
		if (isDirectory) {
			this.#places.forget(place);
			const fd = must(openDirectory(directory, name), "open");
			try {
				for (const listed of namesIn(fd)) this.#clear(fd, nameOf(listed), `${place}/${nameOf(listed)}`);
			} finally {
				closeFile(fd);
			}
		}
		must(removeName(directory, name, isDirectory), `unlink ${shown(place)}`);
		this.names -= 1;
	}

	/** After the last entry, a step for each that is not finished. Without `privileged` what was kept back is told instead. */
	*finish(privileged: boolean): Generator<void> {
		// Deeper ones first: a directory that may not be entered is no hindrance to root, but its time is its own.
		for (const [place, entry] of [...this.#directories].reverse()) {
			about(entry, () => this.#dressDirectory(place, entry));
			yield;
		}
		for (const [place, held] of this.#held) {
			about(held.entry, () => {
				if (privileged) this.#give(place, held);
				else this.#dresser.tell(held);
			});
			yield;
		}
	}

	/** Places of directories that are there and that no entry said anything of. */
	implied(): string[] {
		return ["", ...this.#places.made].filter((place) => !this.#directories.has(place));
	}

	#hold(held: Held | undefined): void {
		if (held !== undefined) this.#held.set(placeOf(held.entry.path, this.#strip) ?? "", held);
	}

	#give(place: string, held: Held): void {
		const [above, name] = splitPlace(place);
		this.#dresser.give(held, this.#places.directory(above), name);
	}

	/** By descriptor: whatever has the name, no symlink is followed. */
	#dressDirectory(place: string, entry: Entry): void {
		if (place === "") return this.#hold(this.#dresser.open(this.#root, entry));
		const [above, name] = splitPlace(place);
		const fd = must(openDirectory(this.#places.directory(above), name), "open");
		try {
			this.#hold(this.#dresser.open(fd, entry));
		} finally {
			closeFile(fd);
		}
	}

	#make(entry: Entry, place: string): void {
		// What an earlier entry says of the place holds no more.
		this.#directories.delete(place);
		this.#held.delete(place);
		const [above, name] = splitPlace(place);
		switch (entry.type) {
			case "file":
				return this.#begin(entry, above, name);
			case "directory":
				return this.#directory(entry, place, above, name);
			case "hardlink":
				return this.#link(entry, above, name);
			case "symlink": {
				const target = entry.link ?? "";
				this.#new(above, name, (directory, bytes) => makeSymlink(target, directory, bytes));
				break;
			}
			case "fifo":
			case "char":
			case "block":
			case "socket": {
				const mode = SPECIAL[entry.type] | 0o600;
				this.#new(above, name, (directory, bytes) => makeNode(directory, bytes, mode, entry.device));
			}
		}
		this.#hold(this.#dresser.named(this.#places.directory(above), name, entry));
	}

	#begin(entry: Entry, above: string, name: string): void {
		// Most have the owner that it is made with, and then it needs no change of mode.
		const make = (directory: number, bytes: string): number => makeFile(directory, bytes, entry.mode & PERMISSIONS);
		const open: Open = { entry, fd: this.#new(above, name, make), offset: 0, sparse: undefined };
		this.#open = open;
		// What is wrong with its map is found when the file is there to be closed.
		if (entry.sparse) open.sparse = new SparseContent(entry, (bytes, offset) => this.#write(open, bytes, offset));
	}

	#directory(entry: Entry, place: string, above: string, name: string): void {
		const directory = this.#places.directory(above);
		const made = makeDirectory(directory, name);
		if (made >= 0) this.names += 1;
		else if (made !== -EEXIST) must(made, "mkdir");
		else if (!this.#isDirectory(directory, name)) this.#new(above, name, makeDirectory);
		this.#directories.set(place, entry);
	}

	#link(entry: Entry, above: string, name: string): void {
		const target = placeOf(entry.link ?? "", this.#strip);
		// GNU tar writes that of a file with several names that it is given twice.
		if (target === placeOf(entry.path, this.#strip) && this.#isThere(above, name)) return;
		const [targetAbove, targetName] = splitPlace(target ?? "");
		this.#new(above, name, (directory, bytes) => {
			const linked = makeLink(this.#places.directory(targetAbove), targetName, directory, bytes);
			if (linked !== -ENOENT) return linked;
			const why = `its target ${shown(entry.link ?? "")} is not there`;
			throw volumeFaults.ENTRY_REFUSED({ entry: shown(entry.path), why });
		});
	}

	/** Makes something under a name; what has it goes. Answers what `make` answers. */
	#new(above: string, name: string, make: (directory: number, name: string) => number): number {
		const directory = this.#places.directory(above);
		const made = make(directory, name);
		if (made !== -EEXIST) {
			this.names += 1;
			return must(made, "making it");
		}
		this.#clear(directory, name, above === "" ? name : `${above}/${name}`);
		this.names += 1;
		return must(make(directory, name), "making it");
	}

	#isThere(above: string, name: string): boolean {
		return this.#status.ofName(this.#places.directory(above), name) === 0;
	}

	#isDirectory(directory: number, name: string): boolean {
		return this.#status.ofName(directory, name) === 0 && this.#status.type === S_IFDIR;
	}

	#write({ entry, fd }: Open, bytes: Buffer, offset: number): void {
		const written = writeAt(fd, bytes, offset);
		if (written < 0) throw writingFault(entry, new LinuxError(-written, "write"));
	}

	[Symbol.dispose](): void {
		if (this.#open !== undefined) closeFile(this.#open.fd);
		this.#places[Symbol.dispose]();
	}
}

/** What the kernel refuses there is told of the entry. */
function about(entry: Entry, body: () => void): void {
	try {
		body();
	} catch (error) {
		throw writingFault(entry, error);
	}
}
