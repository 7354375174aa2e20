/**
 * Owner, mode, extended attributes and time of what was just made, and a look whether it has them.
 *
 * In this order: a change of owner takes set-id bits and capabilities away, a change of mode changes an access control list.
 */
import { setAttribute, setAttributeAt } from "#lib/linux/files/attributes.ts";
import { dateOf, ownName, ownOpen, permitName, permitOpen } from "#lib/linux/files/make.ts";
import { closeFile, openFile } from "#lib/linux/files/open.ts";
import { FileStatus } from "#lib/linux/files/status.ts";
import { errnoName, must } from "#lib/linux/libc.ts";
import { type Entry, shown } from "../archive/entry.ts";
import { attributesIn, isPrivileged } from "../archive/attribute-records.ts";
import { type Time, timeOf } from "./entry-time.ts";

export const SET_ID = 0o6000;
const MODE = 0o7777;

/** What was kept back of an entry. */
export interface Held {
	readonly entry: Entry;
	/** Undefined: it is as it is to be. */
	readonly mode: number | undefined;
	readonly attributes: ReadonlyMap<string, Buffer>;
}

/** Something about an entry, by its path. */
export type Warn = (path: string, text: string) => void;

export class Dresser {
	readonly #warn: Warn;
	readonly #holdsBack: boolean;
	readonly #status = new FileStatus();

	/** Unless it `holdsBack`, what gives rights is given with the rest. */
	constructor(warn: Warn, holdsBack: boolean) {
		this.#warn = warn;
		this.#holdsBack = holdsBack;
	}

	/** A file or directory that is open. Answers what was kept back of it. Throws a LinuxError. */
	open(fd: number, entry: Entry): Held | undefined {
		// On a directory these bits give nobody rights: who makes something in it belongs to its group.
		const mode = entry.type === "file" && this.#holdsBack ? entry.mode & ~SET_ID : entry.mode;
		const time = timeOf(entry.mtime);
		must(dateOf(fd, null, ...time), "utimensat");
		const status = this.#status;
		must(status.ofDescriptor(fd), "statx");
		const isOwned = status.uid === entry.uid && status.gid === entry.gid;
		const isPermitted = isOwned && (status.mode & MODE) === mode;
		// Most are as they are to be: each of these calls is as slow as making the file.
		if (!isOwned) must(ownOpen(fd, entry.uid, entry.gid), "chown");
		if (!isPermitted) must(permitOpen(fd, mode), "chmod");
		const held = this.#attributes(entry, (name, value) => setAttribute(fd, name, value));
		if (!isPermitted) must(status.ofDescriptor(fd), "statx");
		this.#compare(entry, mode, time);
		if (held.size === 0 && mode === entry.mode) return undefined;
		return { entry, mode: mode === entry.mode ? undefined : entry.mode, attributes: held };
	}

	/** Anything else by its name in a directory; it has just been made there. As above. */
	named(directory: number, name: string, entry: Entry): Held | undefined {
		const isSymlink = entry.type === "symlink";
		must(ownName(directory, name, entry.uid, entry.gid), "chown");
		if (!isSymlink) must(permitName(directory, name, entry.mode), "chmod");
		const held = this.#attributes(entry, (key, value) => setAttributeAt(directory, name, key, value));
		const time = timeOf(entry.mtime);
		must(dateOf(directory, name, ...time), "utimensat");
		must(this.#status.ofName(directory, name), "statx");
		this.#compare(entry, entry.mode, time);
		return held.size > 0 ? { entry, mode: undefined, attributes: held } : undefined;
	}

	/** It is a name in a directory. Throws a LinuxError. */
	give({ entry: { path, type }, mode, attributes }: Held, directory: number, name: string): void {
		using opened = new DisposableStack();
		const fd = type === "symlink" ? -1 : openFile(directory, name);
		if (fd >= 0) opened.adopt(fd, closeFile);
		for (const [key, value] of attributes) {
			const set = fd < 0 ? setAttributeAt(directory, name, key, value) : setAttribute(fd, key, value);
			if (set < 0) this.#warn(path, `${shown(path)}: its attribute ${key} cannot be set here: ${errnoName(-set)}`);
		}
		if (mode !== undefined && fd >= 0) must(permitOpen(fd, mode), "chmod");
	}

	/** It is not given. */
	tell({ entry: { path }, mode, attributes }: Held): void {
		const words = mode === undefined ? [] : [`its mode ${mode.toString(8)}`];
		words.push(...[...attributes.keys()].map((key) => `its attribute ${key}`));
		this.#warn(path, `${shown(path)}: ${words.join(" and ")} would give rights and was left out`);
	}

	/** Answers those to keep back. */
	#attributes({ path, attributes }: Entry, set: (name: string, value: Buffer) => number): Map<string, Buffer> {
		const held = new Map<string, Buffer>();
		if (attributes.size === 0) return held;
		for (const [name, value] of attributesIn(attributes)) {
			if (value === undefined) this.#warn(path, `${shown(path)}: its ${name} cannot be read`);
			else if (this.#holdsBack && isPrivileged(name)) held.set(name, value);
			else {
				const failed = set(name, value);
				if (failed < 0)
					this.#warn(path, `${shown(path)}: its attribute ${name} cannot be set here: ${errnoName(-failed)}`);
			}
		}
		return held;
	}

	/** Not every file system holds every owner, mode and time. */
	#compare(entry: Entry, mode: number, [seconds, nanoseconds]: Time): void {
		const { uid, gid, mode: found, mtimeSeconds, mtimeNanoseconds } = this.#status;
		const isSymlink = entry.type === "symlink";
		if (uid !== entry.uid || gid !== entry.gid)
			this.#warn(entry.path, `${shown(entry.path)}: its owner is ${uid}:${gid} here and not ${entry.uid}:${entry.gid}`);
		// The group's bits are those of the mask where there is an access control list.
		if (!isSymlink && (found & MODE) !== mode && entry.attributes.size === 0)
			this.#warn(
				entry.path,
				`${shown(entry.path)}: its mode is ${(found & MODE).toString(8)} here and not ${mode.toString(8)}`,
			);
		if (mtimeSeconds !== seconds || mtimeNanoseconds !== nanoseconds)
			this.#warn(
				entry.path,
				`${shown(entry.path)}: its time is ${mtimeSeconds} s and ${mtimeNanoseconds} ns here and not ${entry.mtime}`,
			);
	}
}
