/** A buffer that is written from its beginning, taken when it is full, and begun again: how an archive leaves the packer. */
import { pointerTo } from "#lib/linux/libc.ts";

const BYTES = 1024 * 1024;

/** Whoever runs the writing takes what is there now, and goes on. */
export type Full = "full";

export function sheetBytes(): Buffer {
	return Buffer.from(new ArrayBuffer(BYTES));
}

export class Sheet {
	bytes: Buffer = Buffer.alloc(0);
	/** Where `bytes` is in memory. */
	address = 0;
	/** So far it is written. */
	at = 0;

	get room(): number {
		return this.bytes.length - this.at;
	}

	/** What is written next goes to the beginning of `bytes`, which must not be of a pool. */
	turn(bytes: Buffer): void {
		this.bytes = bytes;
		this.address = Number(pointerTo(bytes));
		this.at = 0;
	}

	/** What was written, and the sheet is clear. It is there until the next one is written. */
	take(): Buffer {
		const written = this.bytes.subarray(0, this.at);
		this.at = 0;
		return written;
	}

	*put(bytes: Buffer): Generator<Full> {
		yield* this.fill(bytes.length, (room, done) => bytes.copy(this.bytes, this.at, done, done + room));
	}

	*zeros(length: number): Generator<Full> {
		yield* this.fill(length, (room) => {
			this.bytes.fill(0, this.at, this.at + room);
			return room;
		});
	}

	/** `part` writes up to `room` bytes at `at`, of which `done` come before, and answers how many: some. */
	*fill(length: number, part: (room: number, done: number) => number): Generator<Full> {
		for (let done = 0; done < length; ) {
			if (this.room === 0) yield "full";
			const written = part(Math.min(length - done, this.room), done);
			this.at += written;
			done += written;
		}
	}
}
