/**
 * One 512-byte header of a tar archive, as POSIX ustar and GNU tar write it (pax(1); tar(5) of GNU tar, "Basic Tar Format").
 *
 * Pure and strict: two programs that read a header differently are how an archive smuggles, so what is not plain is refused.
 */
import { volumeFaults } from "../faults.ts";

export const BLOCK = 512;

export interface Header {
	/** Joined from prefix and name where the format has a prefix. */
	readonly name: Buffer;
	readonly mode: number;
	readonly uid: number;
	readonly gid: number;
	readonly size: number;
	readonly mtime: bigint;
	/** The type flag as a character; `0` also for the old NUL. */
	readonly type: string;
	readonly link: Buffer;
	readonly uname: string;
	readonly device: readonly [major: number, minor: number];
	/** Of an old GNU sparse file (type S): its size with holes, and whether more blocks of its map follow. */
	readonly sparse: { readonly realSize: number; readonly extended: boolean } | undefined;
}

const CHECKSUM_AT = 148;
const MAGIC_POSIX = "ustar\x0000";
const MAGIC_GNU = "ustar  \0";
const MAGIC_V7 = "\0".repeat(8);
const SPACE = 32;

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
	const prefix = posix ? text(block, 345, 155) : Buffer.alloc(0);
	const name = text(block, 0, 100);
	const device = type === "3" || type === "4";
	return {
		name: prefix.length > 0 ? Buffer.concat([prefix, Buffer.from("/"), name]) : name,
		mode: unsigned(block, 100, 8, at),
		uid: unsigned(block, 108, 8, at),
		gid: unsigned(block, 116, 8, at),
		size: unsigned(block, 124, 12, at),
		mtime: bigNumeric(block, 136, 12, at),
		type,
		link: text(block, 157, 100),
		uname: text(block, 265, 32).toString("latin1"),
		device: device ? [unsigned(block, 329, 8, at), unsigned(block, 337, 8, at)] : [0, 0],
		sparse: type === "S" ? { realSize: unsigned(block, 483, 12, at), extended: block[482] !== 0 } : undefined,
	};
}

/** True when another block of an old GNU sparse map follows this one. */
export function mapGoesOn(block: Buffer): boolean {
	return block[504] !== 0;
}

/** The sum of all bytes, those of the checksum itself counted as spaces. */
function checksum(block: Buffer): number {
	let sum = 8 * SPACE;
	for (let index = 0; index < CHECKSUM_AT; index++) sum += block[index] ?? 0;
	for (let index = CHECKSUM_AT + 8; index < BLOCK; index++) sum += block[index] ?? 0;
	return sum;
}

/** Up to the first NUL. */
function text(block: Buffer, start: number, length: number): Buffer {
	const field = block.subarray(start, start + length);
	const end = field.indexOf(0);
	return end < 0 ? field : field.subarray(0, end);
}

function unsigned(block: Buffer, start: number, length: number, at: number): number {
	const value = numeric(block, start, length, at);
	if (value < 0) throw unreadable(at, start);
	return value;
}

function numeric(block: Buffer, start: number, length: number, at: number): number {
	const value = Number(bigNumeric(block, start, length, at));
	if (!Number.isSafeInteger(value)) throw unreadable(at, start);
	return value;
}

/** Octal digits between spaces and a NUL; or, with the top bit set, GNU's big-endian two's complement. */
function bigNumeric(block: Buffer, start: number, length: number, at: number): bigint {
	const first = block[start] ?? 0;
	if (first === 0x80 || first === 0xff) {
		let value = first === 0xff ? -1n : 0n;
		for (let index = start + 1; index < start + length; index++) value = (value << 8n) | BigInt(block[index] ?? 0);
		return value;
	}
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
	return BigInt(value);
}

function unreadable(at: number, start: number): Error {
	return volumeFaults.ARCHIVE_CORRUPT({ problem: `the header at byte ${at} has no readable number in field ${start}` });
}
