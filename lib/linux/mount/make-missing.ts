/** Opening a place below a directory that is not trusted, and making what is missing of it: every part by descriptor, no link followed out. */
import { closeSync, lchownSync, lstatSync, mkdirSync, openSync, rmdirSync, unlinkSync } from "node:fs";
import { killPoint } from "#lib/config/kill-point.ts";
import { isErrno } from "../libc.ts";
import { openBeneath } from "./open-beneath.ts";

/** The kernel follows the descriptor, and a call that makes or removes a name does not follow that. */
const within = (directory: number, name: string): string => `/proc/self/fd/${directory}/${name}`;

export interface Wanted {
	/** Resolves a path from where it begins. */
	readonly open: (path: string) => number;
	readonly path: string;
	/** What the last part is to be; those before are directories. */
	readonly kind: "directory" | "file";
	/** Whose the made parts are. */
	readonly owner: { readonly uid: number; readonly gid: number };
}

interface Made {
	readonly directory: number;
	readonly name: string;
	readonly inode: bigint;
	readonly kind: "directory" | "file";
}

/** The place, open until it is disposed of. */
export class Spot implements Disposable {
	#fd: number;
	readonly #fds: number[] = [];
	readonly #made: Made[] = [];

	private constructor(fd: number) {
		this.#fd = fd;
	}

	/** Undefined: it is not there. */
	static find(open: (path: string) => number, path: string): Spot | undefined {
		const fd = openIfThere(open, path);
		return fd === undefined ? undefined : new Spot(fd);
	}

	/** Finds or makes it: directories 0755, a file 0644 and empty (the thread's umask is taken off). When it fails nothing is left. */
	static make({ open, path, kind, owner }: Wanted): Spot {
		const found = Spot.find(open, path);
		if (found !== undefined) return found;
		const names = path.split("/").filter((name) => name !== "" && name !== ".");
		const [spot, depth] = deepest(open, names);
		try {
			for (const [index, name] of names.slice(depth).entries()) {
				spot.#enter(name, depth + index === names.length - 1 ? kind : "directory", owner);
			}
			return spot;
		} catch (error) {
			spot.unmake();
			spot[Symbol.dispose]();
			throw error;
		}
	}

	get fd(): number {
		return this.#fd;
	}

	get made(): boolean {
		return this.#made.length > 0;
	}

	/** Takes back what was made, as far as it is still empty. */
	unmake(): void {
		for (const { directory, name, inode, kind } of this.#made.splice(0).reverse()) {
			const path = within(directory, name);
			try {
				const found = lstatSync(path, { bigint: true });
				if (found.ino !== inode || (kind === "file" && found.size > 0n)) return;
				if (kind === "directory") rmdirSync(path);
				else unlinkSync(path);
			} catch (error) {
				if (!isErrno(error, "ENOENT", "ENOTDIR", "ENOTEMPTY", "EBUSY")) throw error;
				return;
			}
		}
	}

	#enter(name: string, kind: Made["kind"], owner: Wanted["owner"]): void {
		const directory = this.#fd;
		const path = within(directory, name);
		if (makeNew(path, kind)) {
			this.#made.push({ directory, name, inode: lstatSync(path, { bigint: true }).ino, kind });
			if (owner.uid !== 0 || owner.gid !== 0) lchownSync(path, owner.uid, owner.gid);
			killPoint("mount.place.made");
		}
		this.#fds.push(directory);
		this.#fd = openBeneath(directory, name);
	}

	[Symbol.dispose](): void {
		for (const fd of new Set([...this.#fds.splice(0), this.#fd])) closeSync(fd);
	}
}

/** As much of the way as is there, and of how many names that is. */
function deepest(open: (path: string) => number, names: readonly string[]): readonly [Spot, number] {
	for (let depth = names.length - 1; depth > 0; depth--) {
		const spot = Spot.find(open, names.slice(0, depth).join("/"));
		if (spot !== undefined) return [spot, depth];
	}
	const start = Spot.find(open, ".");
	if (start === undefined) throw new Error("a directory does not have itself");
	return [start, 0];
}

function openIfThere(open: (path: string) => number, path: string): number | undefined {
	try {
		return open(path);
	} catch (error) {
		if (isErrno(error, "ENOENT")) return undefined;
		throw error;
	}
}

/** False: something has that name. */
function makeNew(path: string, kind: Made["kind"]): boolean {
	try {
		if (kind === "directory") mkdirSync(path, { mode: 0o755 });
		else closeSync(openSync(path, "wx", 0o644));
		return true;
	} catch (error) {
		if (isErrno(error, "EEXIST")) return false;
		throw error;
	}
}
