/**
 * How much a compressed archive may become: a few KiB can be made that fill any disk.
 *
 * Logs become ten to fifty times as long, zeros thirty thousand times; gzip can say a thousand times. What was made here may become what it
 * was. Only its end tells that for sure; until then a file that is as long as one of ours may become as much as that, and nothing else is
 * believed of it. How long a stream is nobody knows before its end: whoever trusts one allows it more.
 */
import { volumeFaults } from "./faults.ts";

/** So many bytes it may have in any case. */
const FREE_BYTES = 1024 ** 3;
/** Unless whoever asks allows more. */
export const USUAL_TIMES = 500;

export class Expansion {
	readonly #madeBytes: number;
	readonly #times: number;
	#bytes = 0;
	/** So many bytes are not too many. */
	#allowed = FREE_BYTES;

	/** `madeBytes`: so many has an archive that was made here and is as long as this one; 0: there is none. `times`: so many times as long as it is stored it may become. */
	constructor(madeBytes: number, times: number) {
		this.#madeBytes = madeBytes;
		this.#times = times;
	}

	/** So many more have come of it, which is stored in `storedBytes` as far as anybody knows yet. Fault: ARCHIVE_EXPANDS. */
	take(bytes: number, storedBytes: number): void {
		this.#bytes += bytes;
		if (this.#bytes <= this.#allowed) return;
		this.#allowed = Math.max(this.#allowed, storedBytes * this.#times, this.#madeBytes);
		if (this.#bytes > this.#allowed) throw volumeFaults.ARCHIVE_EXPANDS({ times: this.#times });
	}
}
