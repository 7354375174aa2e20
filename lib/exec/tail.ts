/** The end of a stream of bytes, in bounded memory. */
export class Tail {
	readonly #limitBytes: number;
	#chunks: Uint8Array[] = [];
	#bytes = 0;

	constructor(limitBytes: number) {
		this.#limitBytes = limitBytes;
	}

	push(chunk: Uint8Array): void {
		this.#chunks.push(chunk);
		this.#bytes += chunk.byteLength;
		// Rarely, so that a flood of small chunks costs each byte two copies at most.
		if (this.#bytes > 2 * this.#limitBytes || this.#chunks.length > 1024) this.#compact();
	}

	toString(): string {
		this.#compact();
		return Buffer.concat(this.#chunks).toString("utf8");
	}

	#compact(): void {
		const kept = new Uint8Array(Buffer.concat(this.#chunks).subarray(-this.#limitBytes));
		this.#chunks = [kept];
		this.#bytes = kept.byteLength;
	}
}
