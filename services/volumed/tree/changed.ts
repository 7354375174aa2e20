/** The second pass over a tree: what has changed since the first one, and what has gone. */
import { type FileStatus, S_IFDIR } from "#lib/linux/files/status.ts";
import type { TreeCursor } from "./cursor.ts";
import { isBefore, type Seen, sharedFileOf, stampOf } from "./seen.ts";

export interface ChangeParts {
	/** Inodes that may have changed although no time of theirs has. */
	readonly stored: ReadonlySet<number>;
	/** Told of what is not there any more. */
	readonly gone: (path: string) => void;
}

/**
 * Goes to each that is not as `seen` has it, and then to the other names of what has changed: a file is read under one of its names, and
 * what another one was linked to is not it any more. `gone` is told of parents before children, and of what was in a directory before
 * whatever has the directory's name now. Each call of `walk` begins at the tree's root.
 */
export function* changedSince(
	walk: () => TreeCursor,
	seen: Seen,
	{ stored, gone }: ChangeParts,
): Generator<TreeCursor, void> {
	const names = new NamesOfChanged();
	const before = seen.all();
	let next = before.next().value;
	const passGone = (isGone: (path: string) => boolean): void => {
		for (; next !== undefined && isGone(next.path); next = before.next().value) {
			names.changed(next.file);
			gone(next.path);
		}
	};
	using cursor = walk();
	while (cursor.next()) {
		const { path, status } = cursor;
		passGone((other) => other !== path && isBefore(other, path));
		const was = next?.path === path ? next : undefined;
		if (was !== undefined) next = before.next().value;
		if (was !== undefined && was.stamp !== "" && was.stamp === stampOf(status) && !stored.has(status.inode)) {
			names.same(status);
			continue;
		}
		if (status.type !== S_IFDIR) passGone((other) => other.startsWith(`${path}/`));
		names.changed(was?.file ?? "");
		names.repeated(path, status);
		yield cursor;
	}
	passGone(() => true);
	if (names.areAll) return;
	using again = walk();
	while (again.next()) if (names.isMissing(again.path, again.status)) yield again;
}

/** Files with several names: as much of them as has changed. */
class NamesOfChanged {
	readonly #files = new Set<string>();
	readonly #repeated = new Set<string>();
	#isAnySame = false;

	/** Of a name that has changed or gone, what it was one of (`sharedFileOf`). */
	changed(file: string): void {
		if (file !== "") this.#files.add(file);
	}

	repeated(path: string, status: FileStatus): void {
		const file = sharedFileOf(status);
		if (file === "") return;
		this.#files.add(file);
		this.#repeated.add(path);
	}

	same(status: FileStatus): void {
		this.#isAnySame ||= sharedFileOf(status) !== "";
	}

	/** For certain. */
	get areAll(): boolean {
		return this.#files.size === 0 || !this.#isAnySame;
	}

	isMissing(path: string, status: FileStatus): boolean {
		return this.#files.has(sharedFileOf(status)) && !this.#repeated.has(path);
	}
}
