/**
 * What upstreams said, for as long as they said it holds, and within a bound of bytes: the longest unused goes first.
 *
 * An answer comes out with what is left of its TTLs.
 */
import { readRecords } from "./message.ts";

interface Entry {
	readonly response: Buffer;
	readonly ttlOffsets: readonly number[];
	readonly storedAtMs: number;
	readonly expiresAtMs: number;
}

/** No longer, whatever the upstream says: a change there is to be seen within the hour; nothing is absent for long. */
const LONGEST_SECONDS = 3_600;
/** What an entry costs besides its text: the objects and the map. */
const ENTRY_BYTES = 250;

export class Cache {
	readonly #mostBytes: number;
	readonly #nowMs: () => number;
	/** In the order of their last use. */
	readonly #entries = new Map<string, Entry>();
	#bytes = 0;

	constructor(mostBytes: number, nowMs: () => number = () => performance.now()) {
		this.#mostBytes = mostBytes;
		this.#nowMs = nowMs;
	}

	/** A copy of the response with what is left of its TTLs. */
	find(key: string): Buffer | undefined {
		const entry = this.#entries.get(key);
		if (entry === undefined) return undefined;
		const now = this.#nowMs();
		this.#drop(key, entry);
		if (now >= entry.expiresAtMs) return undefined;
		this.#add(key, entry);
		const response = Buffer.from(entry.response);
		const ageSeconds = Math.floor((now - entry.storedAtMs) / 1_000);
		for (const offset of entry.ttlOffsets) {
			response.writeUInt32BE(Math.max(0, response.readUInt32BE(offset) - ageSeconds), offset);
		}
		return response;
	}

	/** Keeps it if it may be kept: `response` must have passed `readRecords`. */
	keep(key: string, response: Buffer): void {
		const records = readRecords(response);
		const seconds = Math.min(records?.keepSeconds ?? 0, LONGEST_SECONDS);
		if (records === undefined || seconds === 0) return;
		const old = this.#entries.get(key);
		if (old !== undefined) this.#drop(key, old);
		const now = this.#nowMs();
		// A copy: what came from a socket is a slice of something larger.
		const own = Buffer.from(response);
		this.#add(key, {
			response: own,
			ttlOffsets: records.ttlOffsets,
			storedAtMs: now,
			expiresAtMs: now + seconds * 1_000,
		});
		for (const [oldest, entry] of this.#entries) {
			if (this.#bytes <= this.#mostBytes) break;
			this.#drop(oldest, entry);
		}
	}

	get bytes(): number {
		return this.#bytes;
	}

	#add(key: string, entry: Entry): void {
		this.#entries.set(key, entry);
		this.#bytes += sizeOf(key, entry);
	}

	#drop(key: string, entry: Entry): void {
		this.#entries.delete(key);
		this.#bytes -= sizeOf(key, entry);
	}
}

function sizeOf(key: string, { response, ttlOffsets }: Entry): number {
	return ENTRY_BYTES + key.length + response.length + ttlOffsets.length * 8;
}
