/**
 * Messages that leave by one stream together: all that are due by the end of a turn of the loop, and, while one is on its way, all
 * that come meanwhile. A message costs a frame, a flush and a dozen objects on either side, however little is in it.
 */

/** So much goes along at most. */
const MAX_GATHERED_BYTES = 1024 * 1024;

export interface GatheringParts<T> {
	/** At least one. Calls `left` when there is room for more. */
	write(messages: readonly T[], left: () => void): void;
	sizeOf(message: T): number;
}

export class Gathering<T> {
	readonly #parts: GatheringParts<T>;
	#waiting: T[] = [];
	#bytes = 0;
	#isUnderWay = false;

	constructor(parts: GatheringParts<T>) {
		this.#parts = parts;
	}

	/** More waits than one message takes. */
	get isFull(): boolean {
		return this.#bytes > MAX_GATHERED_BYTES;
	}

	push(message: T): void {
		this.#waiting.push(message);
		this.#bytes += this.#parts.sizeOf(message);
		if (this.#isUnderWay) return;
		this.#isUnderWay = true;
		process.nextTick(() => this.#next());
	}

	/** Writes all that waits, without waiting for room. */
	flush(): void {
		while (this.#waiting.length > 0) this.#write(() => undefined);
	}

	#next(): void {
		if (this.#waiting.length > 0) this.#write(() => this.#next());
		else this.#isUnderWay = false;
	}

	#write(left: () => void): void {
		let bytes = 0;
		const fits = this.#waiting.findIndex((message) => (bytes += this.#parts.sizeOf(message)) > MAX_GATHERED_BYTES);
		const messages = this.#waiting.splice(0, fits < 0 ? this.#waiting.length : Math.max(1, fits));
		this.#bytes = this.#waiting.reduce((sum, message) => sum + this.#parts.sizeOf(message), 0);
		this.#parts.write(messages, left);
	}
}
