/**
 * What upstreams said, for as long as they said it holds, and within a bound of bytes: what was not used since the last round of
 * throwing away goes first (second chance), so that finding moves nothing.
 */
import type { Validity } from "./reply.ts";
import type { Response } from "./response.ts";

export interface Kept extends Validity {
	readonly response: Response;
	/**
	 * - `fresh`: it holds.
	 * - `stale`: it does not any more, and is for when nobody says anything better (RFC 8767).
	 * - `resting`: the same, and asking failed only a moment ago.
	 */
	readonly state: "fresh" | "stale" | "resting";
}

export interface CacheStatus {
	readonly entries: number;
	readonly bytes: number;
	readonly hits: number;
	readonly misses: number;
}

interface Entry {
	readonly response: Response;
	readonly bytes: number;
	readonly storedAtMs: number;
	readonly expiresAtMs: number;
	/** Before that nobody is asked again. */
	restsUntilMs: number;
	isUsed: boolean;
}

/** No longer, whatever the upstream says: a change there is to be seen within the hour; nothing is absent for long. */
const LONGEST_SECONDS = 3_600;
/** RFC 8767 §5: what a client is told of something stale, and for how long nobody is asked after that failed. */
const STALE_SECONDS = 30;
const REST_MS = 30_000;
/** What an entry costs besides its text: the objects and the map. */
const ENTRY_BYTES = 350;

export class Cache {
	readonly #mostBytes: number;
	readonly #staleMs: number;
	readonly #nowMs: () => number;
	readonly #entries = new Map<string, Entry>();
	#bytes = 0;
	#hits = 0;
	#misses = 0;

	/** `staleMs`: for how long what does not hold any more is found nevertheless. */
	constructor(mostBytes: number, staleMs = 0, nowMs: () => number = () => performance.now()) {
		this.#mostBytes = mostBytes;
		this.#staleMs = staleMs;
		this.#nowMs = nowMs;
	}

	/** An absence that was told longer than `mostNegativeSeconds` ago does not hold any more. */
	find(key: string, mostNegativeSeconds = Number.POSITIVE_INFINITY): Kept | undefined {
		const entry = this.#entries.get(key);
		if (entry === undefined) {
			this.#misses += 1;
			return undefined;
		}
		const now = this.#nowMs();
		const { response } = entry;
		const ageSeconds = Math.floor((now - entry.storedAtMs) / 1_000);
		if (now < entry.expiresAtMs && (response.absence === undefined || ageSeconds < mostNegativeSeconds)) {
			this.#hits += 1;
			entry.isUsed = true;
			return { response, state: "fresh", ageSeconds, mostSeconds: Number.POSITIVE_INFINITY, mostNegativeSeconds };
		}
		this.#misses += 1;
		if (now >= entry.expiresAtMs + this.#staleMs) this.#drop(key, entry);
		if (now >= entry.expiresAtMs + this.#staleMs || this.#staleMs === 0) return undefined;
		const state = now < entry.restsUntilMs ? "resting" : "stale";
		return { response, state, ageSeconds: 0, mostSeconds: STALE_SECONDS, mostNegativeSeconds };
	}

	/** Keeps it if it may be kept; what was kept before holds no more in any case. */
	keep(key: string, response: Response): void {
		const seconds = Math.min(response.keepSeconds, LONGEST_SECONDS);
		const bytes = ENTRY_BYTES + key.length + response.packet.length + response.ttlOffsets.length * 8;
		const old = this.#entries.get(key);
		if (old !== undefined) this.#drop(key, old);
		if (seconds === 0 || bytes > this.#mostBytes) return;
		const storedAtMs = this.#nowMs();
		const expiresAtMs = storedAtMs + seconds * 1_000;
		this.#entries.set(key, { response, bytes, storedAtMs, expiresAtMs, restsUntilMs: 0, isUsed: false });
		this.#bytes += bytes;
		if (this.#bytes > this.#mostBytes) this.#makeRoom(key);
	}

	/** Nobody could say anything better: for a while nobody is asked. */
	rest(key: string): void {
		const entry = this.#entries.get(key);
		if (entry !== undefined) entry.restsUntilMs = this.#nowMs() + REST_MS;
	}

	/** Forgets everything, and says how many answers that were. */
	flush(): number {
		const { size } = this.#entries;
		this.#entries.clear();
		this.#bytes = 0;
		return size;
	}

	status(): CacheStatus {
		return { entries: this.#entries.size, bytes: this.#bytes, hits: this.#hits, misses: this.#misses };
	}

	/** In the order in which they came; what was used meanwhile is passed over once, and so is the newest. */
	#makeRoom(newest: string): void {
		for (const [key, entry] of this.#entries) {
			if (this.#bytes <= this.#mostBytes) break;
			this.#drop(key, entry);
			if (!entry.isUsed && key !== newest) continue;
			entry.isUsed = false;
			this.#entries.set(key, entry);
			this.#bytes += entry.bytes;
		}
	}

	#drop(key: string, entry: Entry): void {
		this.#entries.delete(key);
		this.#bytes -= entry.bytes;
	}
}
