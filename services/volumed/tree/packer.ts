/**
 * A directory tree as a tar archive, in one pass.
 *
 * Synchronous, for a thread of its own. A file that changes while it is read keeps the size that its header has: what is missing is
 * zeros, what is too much is left, and its name is told.
 */
import { createHash, hash } from "node:crypto";
import { type Attributes, attributesAt, attributesOf } from "#lib/linux/files/attributes.ts";
import { type Extent, extentsOf, readAt } from "#lib/linux/files/content.ts";
import { LinuxError } from "#lib/linux/libc.ts";
import { linkTarget } from "#lib/linux/files/open.ts";
import { isBefore, type Seen, stampOf } from "./seen.ts";
import { FileStatus, S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG, S_IFSOCK } from "#lib/linux/files/status.ts";
import { type Entry, type EntryType, shown } from "../archive/entry.ts";
import { BLOCK, padded, paddingOf } from "../archive/header.ts";
import { EntryPolicy } from "../archive/policy.ts";
import { LONGEST_PREFACE } from "../archive/reader.ts";
import { recordLine } from "../archive/record.ts";
import { extendedOf, write, writtenBytes } from "../archive/written.ts";
import { recordsOf } from "./attribute-records.ts";
import type { TreeCursor } from "./cursor.ts";
import { timeText } from "./entry-time.ts";
import { atMost } from "./few-extents.ts";
import type { Full, Sheet } from "./sheet.ts";
import { sparseMap } from "./sparse-map.ts";

const TYPES: Readonly<Record<number, EntryType>> = {
	[S_IFREG]: "file",
	[S_IFDIR]: "directory",
	[S_IFLNK]: "symlink",
	[S_IFCHR]: "char",
	[S_IFBLK]: "block",
	[S_IFIFO]: "fifo",
	[S_IFSOCK]: "socket",
};
/** Half of what readers of archives take (`sparse.ts`). */
const MOST_EXTENTS = 500_000;
const NO_ATTRIBUTES: Entry["attributes"] = new Map();

export interface PackSink {
	/** A line of the manifest, in the archive's order. */
	line(line: string): void;
	/** A line, too; no archive can hold it. */
	socket(path: string, line: string): void;
	/** It was archived, and comes again. */
	again(path: string): void;
	/** It was archived, and is not there any more. */
	gone(path: string): void;
	/** Something about an entry; what is said of it later counts instead. */
	warning(path: string, text: string): void;
}

/** Of an entry, what its status does not say. */
type More = Partial<Pick<Entry, "attributes" | "link" | "device">>;

export class Packer {
	entries = 0;
	/** Of the pass that is on. */
	#cursor!: TreeCursor; // every pass begins with its own
	readonly #sheet: Sheet;
	readonly #sink: PackSink;
	/** The first name of what has several. */
	readonly #linked = new Map<string, string>();
	readonly #after = new FileStatus();
	/** The file that is read ended before its size. */
	#isShort = false;
	/** Of a restore. */
	readonly #policy = new EntryPolicy();

	constructor(sheet: Sheet, sink: PackSink) {
		this.#sheet = sheet;
		this.#sink = sink;
	}

	/** Each time the sheet is full it is to be taken. `seen` is told of everything that a later pass has to know. */
	*pack(cursor: TreeCursor, seen?: Seen): Generator<Full> {
		using _ = cursor;
		this.#cursor = cursor;
		while (cursor.next()) {
			seen?.add(cursor.path, stampOf(cursor.status));
			if (!this.#atOnce(cursor)) yield* this.#one(cursor);
		}
	}

	/** Another pass: what has changed comes once more, where a program that extracts replaces what came before; what has gone is told. */
	*packChanges(cursor: TreeCursor, seen: Seen): Generator<Full> {
		using _ = cursor;
		this.#cursor = cursor;
		// Names of a file that has changed have all changed: their first one has the content again.
		this.#linked.clear();
		const before = seen.all();
		let next = before.next().value;
		while (cursor.next()) {
			const { path, status } = cursor;
			while (next !== undefined && next.path !== path && isBefore(next.path, path)) {
				this.#sink.gone(next.path);
				next = before.next().value;
			}
			const isSame = next?.path === path && next.stamp !== "" && next.stamp === stampOf(status);
			if (next?.path === path) next = before.next().value;
			if (isSame) continue;
			this.#sink.again(path);
			if (status.type !== S_IFREG || cursor.open()) yield* this.#one(cursor);
		}
		for (; next !== undefined; next = before.next().value) this.#sink.gone(next.path);
	}

	/** A file as most are, which fits on what is left of the sheet; false: it is none, and nothing was done. */
	#atOnce({ status, fd, path }: TreeCursor): boolean {
		const sheet = this.#sheet;
		if (status.type !== S_IFREG || fd === undefined || status.links > 1 || isSparse(status)) return false;
		if (writtenBytes("") + padded(status.size) > sheet.room) return false;
		try {
			const entry = this.#entry(`./${path}`, { attributes: this.#attributes(() => attributesOf(fd)) });
			const extended = extendedOf(entry);
			if (writtenBytes(extended) + padded(entry.size) > sheet.room) return false;
			this.#judge(entry, extended);
			sheet.at = write(entry, extended, sheet.bytes, sheet.at);
			this.#isShort = false;
			this.#line(entry, this.#small(fd, entry.size));
			this.#tellChange(fd, entry);
			return true;
		} catch (error) {
			throw about(path, error);
		}
	}

	*#one({ status, fd, path }: TreeCursor): Generator<Full> {
		try {
			if (status.type === S_IFREG && fd !== undefined) yield* this.#file(fd);
			else yield* this.#other();
		} catch (error) {
			throw about(path, error);
		}
	}

	*#other(): Generator<Full> {
		const { status, path, directory, name, fd } = this.#cursor;
		const isDirectory = status.type === S_IFDIR;
		const archived = isDirectory ? `./${path}${path === "" ? "" : "/"}` : `./${path}`;
		const link = status.type === S_IFLNK ? linkTarget(directory, name) : undefined;
		if (status.type === S_IFLNK && link === undefined) return;
		// Of a socket with several names each is one: the archive has nothing that they could be names of.
		if (!isDirectory && status.links > 1 && status.type !== S_IFSOCK) {
			const first = this.#firstName(archived);
			if (first !== undefined) return yield* this.#again(archived, first);
		}
		const attributes = this.#attributes(() => (fd === undefined ? attributesAt(directory, name) : attributesOf(fd)));
		const entry = this.#entry(archived, {
			link,
			attributes,
			device: status.type === S_IFCHR || status.type === S_IFBLK ? [status.major, status.minor] : undefined,
		});
		if (entry.type === "socket") return this.#sink.socket(path, recordLine(entry, undefined));
		yield* this.#head(entry);
		this.#line(entry, undefined);
	}

	*#file(fd: number): Generator<Full> {
		const { status, path } = this.#cursor;
		const archived = `./${path}`;
		if (status.links > 1) {
			const first = this.#firstName(archived);
			if (first !== undefined) return yield* this.#again(archived, first);
		}
		const attributes = this.#attributes(() => attributesOf(fd));
		const entry = this.#entry(archived, { attributes });
		this.#isShort = false;
		if (isSparse(status)) yield* this.#sparse(fd, entry, atMost(MOST_EXTENTS, extentsOf(fd, entry.size)));
		else yield* this.#whole(fd, entry);
		this.#tellChange(fd, entry);
	}

	/** None, and that is told, when they cannot be read. */
	#attributes(read: () => Attributes): Entry["attributes"] {
		try {
			const attributes = read();
			return attributes.size === 0 ? NO_ATTRIBUTES : recordsOf(attributes);
		} catch (error) {
			if (!(error instanceof LinuxError)) throw error;
			const { path } = this.#cursor;
			this.#sink.warning(path, `./${shown(path)}: its attributes cannot be read: ${error.message}`);
			return NO_ATTRIBUTES;
		}
	}

	*#whole(fd: number, entry: Entry): Generator<Full> {
		yield* this.#head(entry);
		const { size } = entry;
		if (padded(size) <= this.#sheet.room) return this.#line(entry, this.#small(fd, size));
		yield* this.#long(fd, entry, Buffer.alloc(0), [{ start: 0, length: size }]);
	}

	/** Content that fits on the sheet, and its digest; undefined when there is none. */
	#small(fd: number, size: number): string | undefined {
		if (size === 0) return undefined;
		const sheet = this.#sheet;
		const end = sheet.at + size;
		const bytes = sheet.bytes.subarray(sheet.at, end);
		this.#read(fd, size, 0);
		sheet.at += padded(size);
		sheet.bytes.fill(0, end, sheet.at);
		return hash("sha256", bytes, "hex");
	}

	*#sparse(fd: number, entry: Entry, extents: readonly Extent[]): Generator<Full> {
		const map = sparseMap(extents, entry.size);
		const stored = extents.reduce((sum, { length }) => sum + length, map.length);
		const sparse: Entry = { ...entry, sparse: true, map: "content", storedSize: stored };
		yield* this.#head(sparse);
		yield* this.#long(fd, sparse, map, extents);
	}

	/** Content that need not fit on a sheet. */
	*#long(fd: number, entry: Entry, before: Buffer, extents: readonly Extent[]): Generator<Full> {
		const digest = createHash("sha256");
		const sheet = this.#sheet;
		yield* sheet.put(before);
		digest.update(before);
		for (const { start, length } of extents) {
			yield* sheet.fill(length, (room, done) => {
				this.#read(fd, room, start + done);
				digest.update(sheet.bytes.subarray(sheet.at, sheet.at + room));
				return room;
			});
		}
		yield* sheet.zeros(paddingOf(entry.storedSize));
		this.#line(entry, digest.digest("hex"));
	}

	/** To where the sheet is written next. */
	#read(fd: number, wanted: number, offset: number): void {
		const sheet = this.#sheet;
		const length = readAt(fd, sheet.address + sheet.at, wanted, offset);
		if (length === wanted) return;
		this.#isShort = true;
		sheet.bytes.fill(0, sheet.at + length, sheet.at + wanted);
	}

	#tellChange(fd: number, { path, mtime, size }: Entry): void {
		const { status } = this.#cursor;
		const now = this.#after;
		const isSame =
			now.ofDescriptor(fd) === 0 &&
			!this.#isShort &&
			now.size === size &&
			now.ctimeNanoseconds === status.ctimeNanoseconds &&
			now.ctimeSeconds === status.ctimeSeconds &&
			timeText([now.mtimeSeconds, now.mtimeNanoseconds]) === mtime;
		if (!isSame) this.#sink.warning(this.#cursor.path, `${shown(path)}: it changed while it was read`);
	}

	*#again(path: string, link: string): Generator<Full> {
		const entry = { ...this.#entry(path, { link }), type: "hardlink", size: 0, storedSize: 0 } as const;
		yield* this.#head(entry);
		this.#line(entry, undefined);
	}

	/** Undefined: this is the first one. */
	#firstName(path: string): string | undefined {
		const { identity } = this.#cursor.status;
		const first = this.#linked.get(identity);
		if (first === undefined) this.#linked.set(identity, path);
		return first;
	}

	#entry(path: string, { attributes = NO_ATTRIBUTES, link, device }: More): Entry {
		const { status } = this.#cursor;
		const size = status.type === S_IFREG ? status.size : 0;
		return {
			path,
			type: TYPES[status.type] ?? "file",
			mode: status.mode & 0o7777,
			uid: status.uid,
			gid: status.gid,
			mtime: timeText([status.mtimeSeconds, status.mtimeNanoseconds]),
			storedSize: size,
			size,
			sparse: false,
			map: undefined,
			link,
			device,
			attributes,
			uname: "",
		};
	}

	*#head(entry: Entry): Generator<Full> {
		const extended = extendedOf(entry);
		this.#judge(entry, extended);
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

	#judge(entry: Entry, extended: string): void {
		const refusal =
			this.#policy.refusal(entry) ?? (extended.length > LONGEST_PREFACE ? "it has too many attributes" : undefined);
		if (refusal !== undefined)
			this.#sink.warning(this.#cursor.path, `${shown(entry.path)} will not be restored: ${refusal}`);
	}

	#line(entry: Entry, sha256: string | undefined): void {
		this.entries += 1;
		this.#sink.line(recordLine(entry, sha256));
	}
}

function isSparse({ blocks, size }: FileStatus): boolean {
	return blocks * BLOCK < size;
}

/** What the kernel refuses is told of the path. */
function about(path: string, error: unknown): unknown {
	return error instanceof LinuxError ? new LinuxError(error.errno, `${error.call} ./${shown(path)}`) : error;
}
