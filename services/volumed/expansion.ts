/**
 * How much a compressed archive may become: a few KiB can be made that fill any disk. What was made here may become what it was.
 *
 * Logs become ten to fifty times as long, zeros thirty thousand times; gzip can say a thousand times.
 */
import { volumeFaults } from "./faults.ts";
import type { StoredArchive } from "./kernel/archive-file.ts";
import type { StoredBytes } from "./kernel/compressors.ts";

/** So many bytes it may have in any case. */
const FREE_BYTES = 1024 ** 3;
const MOST_TIMES = 500;

export class Expansion {
	readonly #source: StoredArchive;
	readonly #stored: StoredBytes;
	readonly #isOwn: (sha256: string) => boolean;
	#bytes = 0;
	/** So many bytes are not too many. */
	#allowed = FREE_BYTES;

	constructor(source: StoredArchive, stored: StoredBytes, isOwn: (sha256: string) => boolean) {
		this.#source = source;
		this.#stored = stored;
		this.#isOwn = isOwn;
	}

	/** So many more have come of it. Fault: ARCHIVE_EXPANDS. */
	async take(bytes: number): Promise<void> {
		this.#bytes += bytes;
		if (this.#bytes <= this.#allowed) return;
		const { sizeBytes = this.#stored.bytes, digest } = this.#source;
		this.#allowed = Math.max(FREE_BYTES, sizeBytes * MOST_TIMES);
		if (this.#bytes <= this.#allowed) return;
		// By all of its bytes, which are few.
		if (digest === undefined || !this.#isOwn(await digest())) throw volumeFaults.ARCHIVE_EXPANDS({ times: MOST_TIMES });
		this.#allowed = Number.POSITIVE_INFINITY;
	}
}
