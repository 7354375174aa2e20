/** The directories of a tree that is being written, open while they are used. Places are as `placeOf` gives them: the root is empty. */
import { directoryBeneath } from "#lib/linux/files/beneath.ts";
import { makeDirectory, permitName } from "#lib/linux/files/make.ts";
import { closeFile } from "#lib/linux/files/open.ts";
import { must } from "#lib/linux/libc.ts";

const ENOENT = 2;
const EEXIST = 17;
/** As tar programs give those that the archive has no entry of. */
const IMPLIED_MODE = 0o755;
/** An archive comes back to few of them. */
const MOST_OPEN = 64;

export class Places implements Disposable {
	/** Those that it made, for they were missing. */
	readonly made = new Set<string>();
	readonly #root: number;
	readonly #open = new Map<string, number>();
	#last = "";
	#lastFd: number;

	/** `root` stays the caller's. */
	constructor(root: number) {
		this.#root = this.#lastFd = root;
	}

	/** What is missing of it is made, as tar programs do for archives that do not tell of directories. Throws a LinuxError. */
	directory(place: string): number {
		if (place === this.#last) return this.#lastFd;
		const fd = place === "" ? this.#root : (this.#used(place) ?? this.#opened(place));
		this.#last = place;
		this.#lastFd = fd;
		return fd;
	}

	/** Whether such a directory is there; what is missing stays so. */
	has(place: string): boolean {
		if (place === "" || this.#open.has(place)) return true;
		const fd = directoryBeneath(this.#root, place);
		if (fd < 0) return false;
		closeFile(fd);
		return true;
	}

	/** It is about to go. */
	forget(place: string): void {
		this.made.delete(place);
		const fd = this.#open.get(place);
		if (fd !== undefined) closeFile(fd);
		this.#open.delete(place);
		if (this.#last === place) this.#last = "";
		this.#lastFd = this.#last === "" ? this.#root : this.#lastFd;
	}

	/** It is the last one now that is closed to make room. */
	#used(place: string): number | undefined {
		const fd = this.#open.get(place);
		if (fd === undefined) return undefined;
		this.#open.delete(place);
		this.#open.set(place, fd);
		return fd;
	}

	#opened(place: string): number {
		let fd = directoryBeneath(this.#root, place);
		if (fd === -ENOENT) {
			const [above, name] = splitPlace(place);
			const directory = this.directory(above);
			const made = makeDirectory(directory, name);
			if (made !== -EEXIST) must(made, "mkdir");
			if (made >= 0) {
				permitName(directory, name, IMPLIED_MODE);
				this.made.add(place);
			}
			fd = directoryBeneath(this.#root, place);
		}
		must(fd, "open");
		this.#makeRoom();
		this.#open.set(place, fd);
		return fd;
	}

	#makeRoom(): void {
		for (const [place, fd] of this.#open) {
			if (this.#open.size < MOST_OPEN) return;
			closeFile(fd);
			this.#open.delete(place);
		}
	}

	[Symbol.dispose](): void {
		for (const fd of this.#open.values()) closeFile(fd);
		this.#open.clear();
	}
}

/** The directory that it is in, and its name there. */
export function splitPlace(place: string): [directory: string, name: string] {
	const slash = place.lastIndexOf("/");
	return [slash < 0 ? "" : place.slice(0, slash), place.slice(slash + 1)];
}
