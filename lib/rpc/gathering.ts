/**
 * Messages that leave by one stream together: all that are due by the end of a turn of the loop, and, while one is on its way, all
 * that come meanwhile. A message costs a frame, a flush and a dozen objects on either side, however little is in it.
 */

/** So much goes along at most. */
const MAX_GATHERED_BYTES = 1024 * 1024;

export interface GatheringParts<T> {
	/** One message, with the others in its `also`. Calls `left` when there is room for more. */
	write(message: T, left: () => void): void;
	sizeOf(message: T): number;
}

export class Gathering<T extends { readonly also: T[] }> {
	readonly #parts: GatheringParts<T>;
	readonly #waiting: T[] = [];
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
		let [count, bytes] = [0, 0];
		for (const message of this.#waiting) {
			const size = this.#parts.sizeOf(message);
			if (count > 0 && bytes + size > MAX_GATHERED_BYTES) break;
			count += 1;
			bytes += size;
		}
		const [first, ...also] = this.#waiting.splice(0, count);
		this.#bytes -= bytes;
		if (first !== undefined) this.#parts.write({ ...first, also }, left);
	}
}
