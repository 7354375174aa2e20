/** Messages over TCP: each behind its length (RFC 1035 §4.2.2). */

const PREFIX_BYTES = 2;

/** What has come of them, in whatever pieces. Put together only when there is a whole one: who sends byte by byte costs no more than the bytes. */
export class Frames {
	#received: Buffer[] = [];
	#receivedBytes = 0;
	/** Before these are there it is no use to look. */
	#neededBytes = PREFIX_BYTES;

	put(chunk: Buffer): void {
		this.#received.push(chunk);
		this.#receivedBytes += chunk.length;
	}

	/** The next message; undefined when it is not whole yet. */
	take(): Buffer | undefined {
		if (this.#receivedBytes < this.#neededBytes) return undefined;
		const received = this.#received.length === 1 ? this.#received[0] : Buffer.concat(this.#received);
		if (received === undefined) return undefined;
		const end = PREFIX_BYTES + received.readUInt16BE(0);
		const isWhole = received.length >= end;
		const rest = isWhole ? received.subarray(end) : received;
		this.#received = [rest];
		this.#receivedBytes = rest.length;
		this.#neededBytes = isWhole ? PREFIX_BYTES : end;
		return isWhole ? received.subarray(PREFIX_BYTES, end) : undefined;
	}
}

export function frameOf(message: Uint8Array): Buffer {
	const frame = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
	frame.writeUInt16BE(message.length, 0);
	frame.set(message, PREFIX_BYTES);
	return frame;
}
