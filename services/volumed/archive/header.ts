/**
 * One 512-byte header of a tar archive, as POSIX ustar and GNU tar write it (pax(1); tar(5) of GNU tar, "Basic Tar Format").
 *
 * Pure and strict: two programs that read a header differently are how an archive smuggles, so what is not plain is refused.
 */
import { volumeFaults } from "../faults.ts";

export const BLOCK = 512;

export interface Header {
	/** Joined from prefix and name where the format has a prefix. */
	readonly name: string;
	readonly mode: number;
	readonly uid: number;
	readonly gid: number;
	readonly size: number;
	readonly mtime: number;
	/** The type flag as a character; `0` also for the old NUL. */
	readonly type: string;
	readonly link: string;
	readonly uname: string;
	readonly device: readonly [major: number, minor: number];
	/** Of an old GNU sparse file (type S): its size with holes, the beginning of its map, and whether more blocks of it follow. */
	readonly sparse:
		| { readonly realSize: number; readonly extents: readonly Extent[]; readonly extended: boolean }
		| undefined;
}

/** Where a sparse file has data. */
export interface Extent {
	readonly start: number;
	readonly length: number;
}

const HEADER_EXTENTS = 4;
const BLOCK_EXTENTS = 21;
const CHECKSUM_AT = 148;
const MAGIC_POSIX = "ustar\x0000";
const MAGIC_GNU = "ustar  \0";
const MAGIC_V7 = "\0".repeat(8);
const SPACE = 32;

/** What eleven octal digits can say: of sizes and times. */
export const MOST_OCTAL = 0o77777777777;

/** The bytes of the blocks that hold so many. */
export function padded(size: number): number {
	return Math.ceil(size / BLOCK) * BLOCK;
}

/** How many zeros fill up the last of them. */
export function paddingOf(size: number): number {
	return padded(size) - size;
}

export function isZeroBlock(block: Buffer): boolean {
	for (let index = 0; index < BLOCK; index += 8) {
		if (block.readInt32LE(index) !== 0 || block.readInt32LE(index + 4) !== 0) return false;
	}
	return true;
}

/** `block` must not change as long as the header is used. `at` is for sentences. Fault: ARCHIVE_CORRUPT. */
export function parseHeader(block: Buffer, at: number): Header {
	if (numeric(block, CHECKSUM_AT, 8, at) !== checksum(block)) {
		throw volumeFaults.ARCHIVE_CORRUPT({ problem: `the header at byte ${at} has a wrong checksum` });
	}
	const magic = block.toString("latin1", 257, 265);
	if (magic !== MAGIC_POSIX && magic !== MAGIC_GNU && magic !== MAGIC_V7) {
		throw volumeFaults.ARCHIVE_CORRUPT({ problem: `the header at byte ${at} is of no known format` });
	}
	const type = String.fromCharCode(block[156] || 48);
	const posix = magic === MAGIC_POSIX;
	const prefix = posix ? text(block, 345, 155) : "";
	const name = text(block, 0, 100);
	const device = type === "3" || type === "4";
	return {
		name: prefix === "" ? name : `${prefix}/${name}`,
		mode: unsigned(block, 100, 8, at),
		uid: unsigned(block, 108, 8, at),
		gid: unsigned(block, 116, 8, at),
		size: unsigned(block, 124, 12, at),
		mtime: numeric(block, 136, 12, at),
		type,
		link: text(block, 157, 100),
		uname: text(block, 265, 32),
		device: device ? [unsigned(block, 329, 8, at), unsigned(block, 337, 8, at)] : [0, 0],
		sparse:
			type === "S"
				? {
						realSize: unsigned(block, 483, 12, at),
						extents: mapOf(block, 386, HEADER_EXTENTS, at),
						extended: block[482] !== 0,
					}
				: undefined,
	};
}

/** A block of an old GNU sparse map, and whether another one follows. */
export function parseMapBlock(block: Buffer, at: number): { readonly extents: Extent[]; readonly extended: boolean } {
	return { extents: mapOf(block, 0, BLOCK_EXTENTS, at), extended: block[504] !== 0 };
}

function mapOf(block: Buffer, start: number, most: number, at: number): Extent[] {
	const extents: Extent[] = [];
	for (let index = start; index < start + most * 24 && block[index] !== 0; index += 24) {
		extents.push({ start: unsigned(block, index, 12, at), length: unsigned(block, index + 12, 12, at) });
	}
	return extents;
}

/** The sum of all bytes, those of the checksum itself counted as spaces. */
function checksum(block: Buffer): number {
	let sum = 8 * SPACE;
	for (let index = 0; index < CHECKSUM_AT; index++) sum += block[index] ?? 0;
	for (let index = CHECKSUM_AT + 8; index < BLOCK; index++) sum += block[index] ?? 0;
	return sum;
}

/** Up to the first NUL. */
function text(block: Buffer, start: number, length: number): string {
	let end = start;
	while (end < start + length && block[end] !== 0) end++;
	return end === start ? "" : block.toString("latin1", start, end);
}

function unsigned(block: Buffer, start: number, length: number, at: number): number {
	const value = numeric(block, start, length, at);
	if (value < 0) throw unreadable(at, start);
	return value;
}

/** Octal digits between spaces and a NUL; or, with the top bit set, GNU's big-endian two's complement. */
function numeric(block: Buffer, start: number, length: number, at: number): number {
	const first = block[start] ?? 0;
	if (first === 0x80 || first === 0xff) return twosComplement(block, start, length, at);
	let index = start;
	while (index < start + length && block[index] === SPACE) index++;
	let value = 0;
	for (; index < start + length; index++) {
		const digit = (block[index] ?? 0) - 48;
		if (digit < 0 || digit > 7) break;
		value = value * 8 + digit;
	}
	for (; index < start + length; index++) {
		if (block[index] !== SPACE && block[index] !== 0) throw unreadable(at, start);
	}
	return value;
}

function twosComplement(block: Buffer, start: number, length: number, at: number): number {
	let value = block[start] === 0xff ? -1n : 0n;
	for (let index = start + 1; index < start + length; index++) value = (value << 8n) | BigInt(block[index] ?? 0);
	if (!Number.isSafeInteger(Number(value))) throw unreadable(at, start);
	return Number(value);
}

function unreadable(at: number, start: number): Error {
	return volumeFaults.ARCHIVE_CORRUPT({ problem: `the header at byte ${at} has no readable number in field ${start}` });
}
