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
const MAGIC_AT = 257;
const MAGIC_POSIX = "ustar\x0000";
const MAGIC_GNU = "ustar  \0";
const MAGIC_V7 = "\0".repeat(8);
const SPACE = 32;
const NO_DEVICE = [0, 0] as const;

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

/** The block that begins at `start`. */
export function isZeroBlock(bytes: Buffer, start: number): boolean {
	for (let index = start; index < start + BLOCK; index++) if (bytes[index] !== 0) return false;
	return true;
}

/** Whether the block that begins at `start` has its own checksum, as of all that is in an archive only a header has. */
export function isHeader(bytes: Buffer, start: number): boolean {
	try {
		return new Fields(bytes, start, 0).number(CHECKSUM_AT, 8) === checksum(bytes, start);
	} catch {
		return false;
	}
}

/** The header in the block that begins at `start`. `at` is for sentences. Fault: ARCHIVE_CORRUPT. */
export function parseHeader(bytes: Buffer, start: number, at: number): Header {
	const field = new Fields(bytes, start, at);
	if (field.number(CHECKSUM_AT, 8) !== checksum(bytes, start)) {
		throw volumeFaults.ARCHIVE_CORRUPT({ problem: `the header at byte ${at} has a wrong checksum` });
	}
	const posix = field.is(MAGIC_AT, MAGIC_POSIX);
	if (!posix && !field.is(MAGIC_AT, MAGIC_GNU) && !field.is(MAGIC_AT, MAGIC_V7)) {
		throw volumeFaults.ARCHIVE_CORRUPT({ problem: `the header at byte ${at} is of no known format` });
	}
	const type = String.fromCharCode(bytes[start + 156] || 48);
	const prefix = posix ? field.text(345, 155) : "";
	const name = field.text(0, 100);
	const device = type === "3" || type === "4";
	return {
		name: prefix === "" ? name : `${prefix}/${name}`,
		mode: field.unsigned(100, 8),
		uid: field.unsigned(108, 8),
		gid: field.unsigned(116, 8),
		size: field.unsigned(124, 12),
		mtime: field.number(136, 12),
		type,
		link: field.text(157, 100),
		uname: field.text(265, 32),
		device: device ? [field.unsigned(329, 8), field.unsigned(337, 8)] : NO_DEVICE,
		sparse:
			type === "S"
				? {
						realSize: field.unsigned(483, 12),
						extents: mapOf(field, 386, HEADER_EXTENTS),
						extended: bytes[start + 482] !== 0,
					}
				: undefined,
	};
}

/** The block of an old GNU sparse map that begins at `start`, and whether another one follows. */
export function parseMapBlock(
	bytes: Buffer,
	start: number,
	at: number,
): { readonly extents: Extent[]; readonly extended: boolean } {
	return { extents: mapOf(new Fields(bytes, start, at), 0, BLOCK_EXTENTS), extended: bytes[start + 504] !== 0 };
}

function mapOf(field: Fields, first: number, most: number): Extent[] {
	const extents: Extent[] = [];
	for (let at = first; at < first + most * 24 && !field.isEmpty(at); at += 24) {
		extents.push({ start: field.unsigned(at, 12), length: field.unsigned(at + 12, 12) });
	}
	return extents;
}

/** The sum of all bytes, those of the checksum itself counted as spaces. */
function checksum(bytes: Buffer, start: number): number {
	let sum = 8 * SPACE;
	for (let index = start; index < start + CHECKSUM_AT; index++) sum += bytes[index] ?? 0;
	for (let index = start + CHECKSUM_AT + 8; index < start + BLOCK; index++) sum += bytes[index] ?? 0;
	return sum;
}

/** What is in a block, by where in it that begins. */
class Fields {
	readonly #bytes: Buffer;
	readonly #start: number;
	/** Of the block in the archive, for sentences. */
	readonly #at: number;

	constructor(bytes: Buffer, start: number, at: number) {
		this.#bytes = bytes;
		this.#start = start;
		this.#at = at;
	}

	isEmpty(field: number): boolean {
		return this.#bytes[this.#start + field] === 0;
	}

	/** `text` is latin1. */
	is(field: number, text: string): boolean {
		const begin = this.#start + field;
		for (let index = 0; index < text.length; index++) {
			if (this.#bytes[begin + index] !== text.charCodeAt(index)) return false;
		}
		return true;
	}

	/** Up to the first NUL. */
	text(field: number, length: number): string {
		const bytes = this.#bytes;
		const begin = this.#start + field;
		let end = begin;
		while (end < begin + length && bytes[end] !== 0) end++;
		return end === begin ? "" : bytes.toString("latin1", begin, end);
	}

	unsigned(field: number, length: number): number {
		const value = this.number(field, length);
		if (value < 0) throw this.#unreadable(field);
		return value;
	}

	/** Octal digits between spaces and a NUL; or, with the top bit set, GNU's big-endian two's complement. */
	number(field: number, length: number): number {
		const bytes = this.#bytes;
		const end = this.#start + field + length;
		let index = this.#start + field;
		const first = bytes[index] ?? 0;
		if (first === 0x80 || first === 0xff) return this.#twosComplement(field, length);
		while (index < end && bytes[index] === SPACE) index++;
		let value = 0;
		for (; index < end; index++) {
			const digit = (bytes[index] ?? 0) - 48;
			if (digit < 0 || digit > 7) break;
			value = value * 8 + digit;
		}
		for (; index < end; index++) {
			if (bytes[index] !== SPACE && bytes[index] !== 0) throw this.#unreadable(field);
		}
		return value;
	}

	#twosComplement(field: number, length: number): number {
		const begin = this.#start + field;
		let value = this.#bytes[begin] === 0xff ? -1n : 0n;
		for (let index = begin + 1; index < begin + length; index++) {
			value = (value << 8n) | BigInt(this.#bytes[index] ?? 0);
		}
		if (!Number.isSafeInteger(Number(value))) throw this.#unreadable(field);
		return Number(value);
	}

	#unreadable(field: number): Error {
		const problem = `the header at byte ${this.#at} has no readable number in field ${field}`;
		return volumeFaults.ARCHIVE_CORRUPT({ problem });
	}
}
