/**
 * A directory tree as a tar archive, in one pass.
 *
 * Synchronous, for a thread of its own. A file that changes while it is read keeps the size that its header has: what is missing is
 * zeros, what is too much is left, and its name is told.
 */
import { type Extent, extentsOf, readAt } from "#lib/linux/files/content.ts";
import type { Seen } from "./seen.ts";
import { type FileStatus, S_IFREG } from "#lib/linux/files/status.ts";
import { type Entry, shown } from "../archive/entry.ts";
import { BLOCK, padded, paddingOf } from "../archive/header.ts";
import { EntryPolicy } from "../archive/policy.ts";
import { LONGEST_PREFACE } from "../archive/reader.ts";
import { recordLine } from "../archive/record.ts";
import { extendedOf, write, writtenBytes } from "../archive/written.ts";
import { changedSince } from "./changed.ts";
import type { TreeCursor } from "./cursor.ts";
import { atMost } from "./few-extents.ts";
import type { Full, Sheet } from "./sheet.ts";
import { sparseMap } from "./sparse-map.ts";
import { aboutReading, TreeEntries } from "./tree-entries.ts";

/** Half of what readers of archives take (`sparse.ts`). */
const MOST_EXTENTS = 500_000;

export interface PackSink {
	/** A line of the manifest: no archive can hold it. */
	socket(path: string, line: string): void;
	/** It was archived, and comes again. */
	again(path: string): void;
	/** It was archived, and is not there any more. */
	gone(path: string): void;
	/** Something about an entry; what is said of it later counts instead. */
	warning(path: string, text: string): void;
}

export class Packer {
	entries = 0;
	/** Of the pass that is on. */
	#cursor!: TreeCursor; // every pass begins with its own
	readonly #sheet: Sheet;
	readonly #sink: PackSink;
	readonly #entries: TreeEntries;
	/** The file that is read ended before its size. */
	#isShort = false;
	/** Of a restore. */
	readonly #policy = new EntryPolicy();

	constructor(sheet: Sheet, sink: PackSink) {
		this.#sheet = sheet;
		this.#sink = sink;
		this.#entries = new TreeEntries((path, text) => sink.warning(path, text));
	}

	/** Each time the sheet is full it is to be taken. `seen` is told of everything that a later pass has to know. */
	*pack(cursor: TreeCursor, seen?: Seen): Generator<Full> {
		using _ = cursor;
		this.#cursor = cursor;
		while (cursor.next()) {
			seen?.add(cursor.path, cursor.status);
			if (!this.#atOnce(cursor)) yield* this.#one(cursor);
		}
	}

	/** Another pass: what has changed comes once more, where a program that extracts replaces what came before; what has gone is told. */
	*packChanges(walk: () => TreeCursor, seen: Seen, stored: ReadonlySet<number>): Generator<Full> {
		this.#entries.forgetLinks();
		for (const cursor of changedSince(walk, seen, { stored, gone: (path) => this.#sink.gone(path) })) {
			this.#cursor = cursor;
			this.#sink.again(cursor.path);
			if (cursor.status.type !== S_IFREG || cursor.open()) yield* this.#one(cursor);
		}
	}

	/** A file as most are, which fits on what is left of the sheet; false: it is none, and nothing was done. */
	#atOnce(cursor: TreeCursor): boolean {
		const sheet = this.#sheet;
		const { status, fd, path } = cursor;
		if (status.type !== S_IFREG || fd === undefined || status.links > 1 || isSparse(status)) return false;
		if (writtenBytes("") + padded(status.size) > sheet.room) return false;
		try {
			const entry = this.#entries.at(cursor);
			if (entry === undefined) return false;
			const extended = extendedOf(entry);
			if (extended.length > LONGEST_PREFACE) return false;
			if (writtenBytes(extended) + padded(entry.size) > sheet.room) return false;
			this.#judge(entry);
			sheet.at = write(entry, extended, sheet.bytes, sheet.at);
			this.#isShort = false;
			this.#small(fd, entry.size);
			this.entries += 1;
			this.#entries.tellChange(cursor, fd, entry, this.#isShort);
			return true;
		} catch (error) {
			throw aboutReading(path, error);
		}
	}

	*#one(cursor: TreeCursor): Generator<Full> {
		const { path, fd } = cursor;
		try {
			const entry = this.#entries.at(cursor);
			if (entry === undefined) return;
			if (entry.type === "socket") return this.#sink.socket(path, recordLine(this.#fitting(entry), undefined));
			if (!Number.isSafeInteger(entry.size)) {
				return this.#sink.warning(path, `${shown(entry.path)}: it is too large to be archived and was left out`);
			}
			if (entry.type === "file" && fd !== undefined) yield* this.#file(fd, entry);
			else yield* this.#head(entry);
			this.entries += 1;
		} catch (error) {
			throw aboutReading(path, error);
		}
	}

	*#file(fd: number, entry: Entry): Generator<Full> {
		this.#isShort = false;
		if (isSparse(this.#cursor.status)) yield* this.#sparse(fd, entry, atMost(MOST_EXTENTS, extentsOf(fd, entry.size)));
		else yield* this.#whole(fd, entry);
		this.#entries.tellChange(this.#cursor, fd, entry, this.#isShort);
	}

	*#whole(fd: number, entry: Entry): Generator<Full> {
		yield* this.#head(entry);
		const { size } = entry;
		if (padded(size) <= this.#sheet.room) this.#small(fd, size);
		else yield* this.#long(fd, size, [{ start: 0, length: size }]);
	}

	/** Content that fits on the sheet. */
	#small(fd: number, size: number): void {
		if (size === 0) return;
		const sheet = this.#sheet;
		const end = sheet.at + size;
		this.#read(fd, size, 0);
		sheet.at += padded(size);
		sheet.bytes.fill(0, end, sheet.at);
	}

	*#sparse(fd: number, entry: Entry, extents: readonly Extent[]): Generator<Full> {
		const map = sparseMap(extents, entry.size);
		const stored = extents.reduce((sum, { length }) => sum + length, map.length);
		yield* this.#head({ ...entry, sparse: true, map: "content", storedSize: stored });
		yield* this.#sheet.put(map);
		yield* this.#long(fd, stored, extents);
	}

	/** Content that need not fit on a sheet, and what fills up the last block of `stored` bytes. */
	*#long(fd: number, stored: number, extents: readonly Extent[]): Generator<Full> {
		const sheet = this.#sheet;
		for (const { start, length } of extents) {
			yield* sheet.fill(length, (room, done) => {
				this.#read(fd, room, start + done);
				return room;
			});
		}
		yield* sheet.zeros(paddingOf(stored));
	}

	/** To where the sheet is written next. */
	#read(fd: number, wanted: number, offset: number): void {
		const sheet = this.#sheet;
		const length = readAt(fd, sheet.address + sheet.at, wanted, offset);
		if (length === wanted) return;
		this.#isShort = true;
		sheet.bytes.fill(0, sheet.at + length, sheet.at + wanted);
	}

	*#head(whole: Entry): Generator<Full> {
		const entry = this.#fitting(whole);
		const extended = extendedOf(entry);
		this.#judge(entry);
		const sheet = this.#sheet;
		const needed = writtenBytes(extended);
		if (needed > sheet.room) yield "full";
		if (needed <= sheet.room) {
			sheet.at = write(entry, extended, sheet.bytes, sheet.at);
			return;
		}
		const own = Buffer.alloc(needed);
		write(entry, extended, own, 0);
		yield* sheet.put(own);
	}

	/** Without its attributes if no restore takes so many. */
	#fitting(entry: Entry): Entry {
		if (entry.attributes.size === 0 || extendedOf(entry).length <= LONGEST_PREFACE) return entry;
		this.#sink.warning(this.#cursor.path, `${shown(entry.path)}: its attributes were left out: they are too many`);
		return { ...entry, attributes: new Map() };
	}

	#judge(entry: Entry): void {
		const refusal = this.#policy.refusal(entry) ?? this.#policy.omission(entry);
		if (refusal !== undefined)
			this.#sink.warning(this.#cursor.path, `${shown(entry.path)} will not be restored: ${refusal}`);
	}
}

function isSparse({ blocks, size }: FileStatus): boolean {
	return blocks * BLOCK < size;
}
