/** What is written first and read later, in a file without a name: as much as there is, and memory for none of it. */
import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import type { LineStore } from "../archive/reading.ts";
import type { Full, Sheet } from "./sheet.ts";

/** open(2): a file that goes with its descriptor. */
const O_TMPFILE = 0o20200000;
const AT_ONCE_BYTES = 256 * 1024;

export class Spool implements LineStore, Disposable {
	/** Bytes of all lines. */
	length = 0;
	readonly #fd: number;
	#waiting = "";
	readonly #encoding: "utf8" | "latin1";

	/** `folder` is a directory of a file system that has files without names: ext4, btrfs, XFS, tmpfs, overlayfs. */
	constructor(folder: string, encoding: "utf8" | "latin1" = "utf8") {
		this.#fd = openSync(folder, constants.O_RDWR | O_TMPFILE, 0o600);
		this.#encoding = encoding;
	}

	/** A line, without its newline. */
	add(line: string): void {
		this.put(`${line}\n`);
	}

	put(text: string): void {
		this.#waiting += text;
		if (this.#waiting.length >= AT_ONCE_BYTES) this.flush();
	}

	/** `length` counts what was added before. */
	flush(): void {
		if (this.#waiting === "") return;
		const bytes = Buffer.from(this.#waiting, this.#encoding);
		this.#waiting = "";
		this.write(bytes);
	}

	/** Behind what was flushed. */
	write(bytes: Buffer): void {
		for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at, bytes.length - at, this.length + at);
		this.length += bytes.length;
	}

	read(offset: number, length: number): Buffer {
		const bytes = Buffer.alloc(Math.max(0, Math.min(length, this.length - offset)));
		this.readInto(bytes, offset);
		return bytes;
	}

	/** As many bytes as fit and there are; answers how many. */
	readInto(bytes: Buffer, offset: number): number {
		let done = 0;
		while (done < bytes.length) {
			const read = readSync(this.#fd, bytes, done, bytes.length - done, offset + done);
			if (read === 0) break;
			done += read;
		}
		return done;
	}

	/** All that was flushed, part by part; `each` is told of every one. */
	to(sheet: Sheet, each?: (part: Buffer) => void): Generator<Full> {
		return sheet.fill(this.length, (room, done) => {
			const part = sheet.bytes.subarray(sheet.at, sheet.at + room);
			const read = this.readInto(part, done);
			each?.(part.subarray(0, read));
			return read;
		});
	}

	[Symbol.dispose](): void {
		closeSync(this.#fd);
	}
}
