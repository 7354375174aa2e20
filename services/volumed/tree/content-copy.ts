/**
 * What is in a file, into another one that is empty: shared where one file system holds both and can do that; otherwise copied, by the kernel
 * itself where it can, and its holes stay holes.
 *
 * What is refused is done the plainer way, which says for itself why it fails.
 */
import { type Extent, extentsOf, readAt } from "#lib/linux/files/content.ts";
import { resize, writeAt } from "#lib/linux/files/make.ts";
import { copyWithin, shareAll } from "#lib/linux/files/share.ts";
import { errnoName, FixedMemory, LinuxError } from "#lib/linux/libc.ts";
import type { Entry } from "../archive/entry.ts";
import { BLOCK } from "../archive/header.ts";
import type { Room } from "./room.ts";
import { writingFault } from "./writing-fault.ts";

/** Between two looks whether anybody still wants it. */
const AT_ONCE_BYTES = 8 * 1024 * 1024;
const BUFFER_BYTES = 1024 * 1024;
/** It is not the file: between these two file systems it never can be done. */
const NEVER = new Set(["EXDEV", "EOPNOTSUPP", "ENOSYS", "ENOTTY"]);

export class ContentCopy {
	/** Of data, shared or copied: holes are none. */
	bytes = 0;
	/** The last file ended before its size: zeros are where the rest was. */
	isShort = false;
	readonly #room: Room;
	#canShare = true;
	#canCopyWithin = true;
	#buffer: FixedMemory | undefined;

	/** What is shared takes nothing of `room`. */
	constructor(room: Room) {
		this.#room = room;
	}

	/**
	 * `entry` and `blocks` are what `from` was when it was opened. A step now and then. Throws a LinuxError of what cannot be read; faults:
	 * DISK_FULL, KERNEL_REFUSED.
	 */
	*copy(from: number, to: number, entry: Entry, blocks: number): Generator<void> {
		const { size } = entry;
		this.isShort = false;
		if (size === 0) return;
		const dataBytes = Math.min(size, blocks * BLOCK);
		if (this.#canShare && this.#shared(from, to)) {
			this.bytes += dataBytes;
			return;
		}
		this.#room.takeBytes(dataBytes);
		const isSparse = dataBytes < size;
		const extents = isSparse ? extentsOf(from, size) : [{ start: 0, length: size }];
		for (const extent of extents) yield* this.#extent(from, to, entry, extent);
		if (isSparse || this.isShort) written(entry, resize(to, size), "ftruncate");
	}

	#shared(from: number, to: number): boolean {
		const failed = shareAll(from, to);
		if (NEVER.has(errnoName(-failed))) this.#canShare = false;
		return failed >= 0;
	}

	*#extent(from: number, to: number, entry: Entry, { start, length }: Extent): Generator<void> {
		for (let done = 0; done < length; ) {
			const copied = this.#part(from, to, entry, start + done, Math.min(AT_ONCE_BYTES, length - done));
			if (copied === 0) {
				this.isShort = true;
				return;
			}
			done += copied;
			this.bytes += copied;
			if (done < length) yield;
		}
	}

	/** Answers how many bytes, which is 0 at the file's end. */
	#part(from: number, to: number, entry: Entry, offset: number, size: number): number {
		if (this.#canCopyWithin) {
			const copied = copyWithin(from, to, offset, size);
			// Some file systems say 0 where there is more.
			if (copied > 0) return copied;
			if (copied < 0 && NEVER.has(errnoName(-copied))) this.#canCopyWithin = false;
		}
		this.#buffer ??= new FixedMemory(Buffer.from(new ArrayBuffer(BUFFER_BYTES)));
		const { bytes, address } = this.#buffer;
		const read = readAt(from, address, Math.min(size, bytes.length), offset);
		if (read > 0) written(entry, writeAt(to, bytes.subarray(0, read), offset), "write");
		return read;
	}
}

function written(entry: Entry, result: number, call: string): void {
	if (result < 0) throw writingFault(entry, new LinuxError(-result, call));
}
