/**
 * A tree made once more below another directory: what a walk is at is made there at once, as an unpacker makes the entries of an archive.
 *
 * Synchronous, for a thread of its own. What no restore makes is left out here as well, and told.
 */
import { S_IFREG } from "#lib/linux/files/status.ts";
import { type Entry, shown } from "../archive/entry.ts";
import { EntryPolicy } from "../archive/policy.ts";
import type { Progress } from "../job.ts";
import { changedSince } from "./changed.ts";
import { ContentCopy } from "./content-copy.ts";
import type { TreeCursor } from "./cursor.ts";
import type { Room } from "./room.ts";
import type { Seen } from "./seen.ts";
import { aboutReading, TreeEntries } from "./tree-entries.ts";
import type { Unpacker } from "./unpacker.ts";
import type { Warnings } from "./warnings.ts";

export class TreeCopier {
	readonly #unpacker: Unpacker;
	readonly #room: Room;
	readonly #warnings: Warnings;
	readonly #entries: TreeEntries;
	readonly #content: ContentCopy;
	readonly #policy = new EntryPolicy();

	/** `unpacker` is at the empty directory, of which there is `room`; `warnings` are about what is read. */
	constructor(unpacker: Unpacker, room: Room, warnings: Warnings) {
		this.#unpacker = unpacker;
		this.#room = room;
		this.#warnings = warnings;
		this.#entries = new TreeEntries((path, text) => warnings.add(path, text));
		this.#content = new ContentCopy(room);
	}

	/** What is there now, the root included; bytes of data that were shared or copied. */
	get progress(): Progress {
		return { entries: this.#unpacker.names + 1, bytes: this.#content.bytes };
	}

	/** A step for each entry and each part of a large one. Faults, here and below: ENTRY_REFUSED, DISK_FULL, KERNEL_REFUSED. */
	*copy(cursor: TreeCursor, seen?: Seen): Generator<void> {
		using _ = cursor;
		while (cursor.next()) {
			seen?.add(cursor.path, cursor.status);
			yield* this.#one(cursor);
		}
	}

	/** Another pass: what has changed is made anew, and what has gone goes. */
	*copyChanges(walk: () => TreeCursor, seen: Seen, stored: ReadonlySet<number>): Generator<void> {
		this.#entries.forgetLinks();
		const gone: string[] = [];
		for (const cursor of changedSince(walk, seen, { stored, gone: (path) => void gone.push(path) })) {
			yield* this.#remove(gone);
			this.#warnings.forget(cursor.path);
			if (cursor.status.type !== S_IFREG || cursor.open()) yield* this.#one(cursor);
		}
		yield* this.#remove(gone);
	}

	/** What is in a directory goes before it. */
	*#remove(gone: string[]): Generator<void> {
		for (let path = gone.pop(); path !== undefined; path = gone.pop()) {
			this.#warnings.forget(path);
			this.#unpacker.remove(path);
			yield;
		}
	}

	*#one(cursor: TreeCursor): Generator<void> {
		try {
			const entry = this.#entries.at(cursor);
			if (entry === undefined) return;
			const why = this.#policy.omission(entry);
			if (why !== undefined) {
				this.#warnings.add(cursor.path, `${shown(entry.path)} was left out: ${why}`);
				return this.#unpacker.remove(entry.path);
			}
			this.#room.takeName(entry);
			this.#unpacker.entry(entry);
			if (entry.type === "file" && cursor.fd !== undefined) yield* this.#file(cursor, cursor.fd, entry);
			yield;
		} catch (error) {
			throw aboutReading(cursor.path, error);
		}
	}

	*#file(cursor: TreeCursor, fd: number, entry: Entry): Generator<void> {
		const content = this.#content;
		yield* this.#unpacker.contentBy((to) => content.copy(fd, to, entry, cursor.status.blocks));
		this.#unpacker.entryEnd();
		this.#entries.tellChange(cursor, fd, entry, content.isShort);
	}
}
