/**
 * The blocks that stand before an entry's content: a ustar header, and an extended header before it where that cannot say it all (pax(1);
 * for holes GNU's sparse format 1.0; for extended attributes and access control lists the keywords of star, which all programs read). And
 * one that stands before all entries.
 *
 * Pure and always the same: an entry has one form. Names and values are strings with a character a byte (`latin1`).
 */
import type { Entry, EntryType } from "./entry.ts";
import { BLOCK, MOST_OCTAL, padded } from "./header.ts";

const TYPE_FLAGS: Readonly<Record<Exclude<EntryType, "socket">, number>> = {
	file: 48,
	hardlink: 49,
	symlink: 50,
	char: 51,
	block: 52,
	directory: 53,
	fifo: 54,
};
const EXTENDED = 120;
const GLOBAL = 103;

const NAME_BYTES = 100;
const PREFIX_BYTES = 155;
const MOST_ID = 0o7777777;

/** An entry's extended header; empty when it needs none. */
export function extendedOf(entry: Entry): string {
	const { path, link, uid, gid, storedSize, size, sparse, mtime, attributes } = entry;
	let records = "";
	if (sparse) {
		records += record("GNU.sparse.major", "1") + record("GNU.sparse.minor", "0");
		records += record("GNU.sparse.name", path) + record("GNU.sparse.realsize", String(size));
	} else if (splitAt(path) === undefined) records += record("path", path);
	if (link !== undefined && link.length > NAME_BYTES) records += record("linkpath", link);
	if (storedSize > MOST_OCTAL) records += record("size", String(storedSize));
	if (uid > MOST_ID) records += record("uid", String(uid));
	if (gid > MOST_ID) records += record("gid", String(gid));
	if (!isWhole(mtime)) records += record("mtime", mtime);
	for (const [key, value] of attributes) records += record(key, value);
	return records;
}

/** How many bytes the blocks before the content take. */
export function writtenBytes(extended: string): number {
	return extended === "" ? BLOCK : 2 * BLOCK + padded(extended.length);
}

/** Writes them at `at`, where there must be room for them; answers where they end. */
export function write(entry: Entry, extended: string, out: Buffer, at: number): number {
	const { path, type, link, mode, uid, gid, storedSize, mtime, device, sparse } = entry;
	let position = at;
	if (extended !== "") {
		const name = besideName(path, "PaxHeaders");
		block(out, position, { name, flag: EXTENDED, mode: 0o644, uid: 0, gid: 0, size: extended.length, mtime: 0 });
		position += BLOCK;
		const size = padded(extended.length);
		out.fill(0, position + extended.length, position + size);
		out.write(extended, position, extended.length, "latin1");
		position += size;
	}
	block(out, position, {
		name: sparse ? besideName(path, "GNUSparseFile.0") : path,
		flag: type === "socket" ? 0 : TYPE_FLAGS[type],
		mode,
		uid,
		gid,
		size: storedSize,
		mtime: secondsOf(mtime),
		link,
		device,
	});
	return position + BLOCK;
}

/** An extended header for all entries behind it, with one record. */
export function globalHeader(key: string, value: string): Buffer {
	const text = record(key, value);
	const out = Buffer.alloc(BLOCK + padded(text.length));
	const owner = { mode: 0o644, uid: 0, gid: 0 };
	block(out, 0, { name: "pax_global_header", flag: GLOBAL, ...owner, size: text.length, mtime: 0 });
	out.write(text, BLOCK, "latin1");
	return out;
}

interface Fields {
	readonly name: string;
	readonly flag: number;
	readonly mode: number;
	readonly uid: number;
	readonly gid: number;
	readonly size: number;
	readonly mtime: number;
	readonly link?: string | undefined;
	readonly device?: readonly [major: number, minor: number] | undefined;
}

/** The checksum's own bytes count as spaces. */
const EMPTY_SUM = 8 * 32;
const MAGIC = "ustar\x0000";

/** What does not fit is cut or zero: the extended header says it. Each part answers the sum of its bytes. */
function block(out: Buffer, at: number, { name, flag, mode, uid, gid, size, mtime, link, device }: Fields): void {
	out.fill(0, at, at + BLOCK);
	const split = splitAt(name) ?? 0;
	let sum = EMPTY_SUM + flag;
	sum += text(out, at, (split === 0 ? name : name.slice(split + 1)).slice(0, NAME_BYTES));
	if (split > 0) sum += text(out, at + 345, name.slice(0, split));
	sum += octal(out, at + 100, 7, mode);
	sum += octal(out, at + 108, 7, uid > MOST_ID ? 0 : uid);
	sum += octal(out, at + 116, 7, gid > MOST_ID ? 0 : gid);
	sum += octal(out, at + 124, 11, size > MOST_OCTAL ? 0 : size);
	sum += octal(out, at + 136, 11, mtime);
	out[at + 156] = flag;
	if (link !== undefined) sum += text(out, at + 157, link.slice(0, NAME_BYTES));
	sum += text(out, at + 257, MAGIC);
	if (device !== undefined) sum += octal(out, at + 329, 7, device[0]) + octal(out, at + 337, 7, device[1]);
	octal(out, at + 148, 6, sum);
	out[at + 155] = 32;
}

function text(out: Buffer, at: number, value: string): number {
	let sum = 0;
	for (let index = 0; index < value.length; index++) {
		const code = value.charCodeAt(index);
		out[at + index] = code;
		sum += code;
	}
	return sum;
}

function octal(out: Buffer, at: number, digits: number, value: number): number {
	let rest = value;
	let sum = 0;
	for (let index = at + digits - 1; index >= at; index--) {
		const higher = Math.floor(rest / 8);
		const digit = 48 + rest - higher * 8;
		out[index] = digit;
		sum += digit;
		rest = higher;
	}
	return sum;
}

/** Where a long name's prefix ends; 0: it needs none. Undefined: it cannot be split. */
function splitAt(name: string): number | undefined {
	if (name.length <= NAME_BYTES) return 0;
	const slash = name.lastIndexOf("/", Math.min(PREFIX_BYTES, name.length - 2));
	return slash > 0 && name.length - slash - 1 <= NAME_BYTES ? slash : undefined;
}

/** The length of a record counts its own digits. */
function record(key: string, value: string): string {
	const rest = key.length + value.length + 3;
	let length = rest + String(rest).length;
	if (String(length).length > String(rest).length) length += 1;
	return `${length} ${key}=${value}\n`;
}

/** As GNU tar names what belongs to a file. */
function besideName(path: string, folder: string): string {
	const end = path.endsWith("/") ? path.length - 1 : path.length;
	const slash = path.lastIndexOf("/", end - 1);
	const name = `${path.slice(0, slash + 1)}${folder}/${path.slice(slash + 1, end)}`;
	return name.length <= NAME_BYTES ? name : `./${folder}/${path.slice(slash + 1, end)}`.slice(0, NAME_BYTES);
}

/** Seconds that a header can say, and nothing below. */
function isWhole(mtime: string): boolean {
	return mtime.endsWith(".000000000") && !mtime.startsWith("-") && Number(mtime.slice(0, -10)) <= MOST_OCTAL;
}

function secondsOf(mtime: string): number {
	const seconds = Number(mtime.slice(0, -10));
	return seconds >= 0 && seconds <= MOST_OCTAL ? seconds : 0;
}
