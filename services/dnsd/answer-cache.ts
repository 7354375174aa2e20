/**
 * Answers as they were given, to be given again to the same packet of the same asker: nothing is decoded for them.
 *
 * A packet is the same when all of it is but its id. An answer holds until something is said to have changed about names that
 * begin with its question's first label, in any case: few others do, so a container that comes or goes costs the others little.
 * Room is fixed: a packet has one place, and one that comes later with the same place has it.
 */
import type { NameKey } from "./name.ts";
import { HEADER_BYTES } from "./protocol.ts";

const PLACES = 16_384;
const ID_BYTES = 2;
/** Longer ones are not kept: a name, EDNS, and a cookie are far shorter. */
const QUERY_BYTES = 96;
const ANSWER_BYTES = 416;
const PLACE_BYTES = QUERY_BYTES + ANSWER_BYTES;

/** What is known of a place. */
const FACTS = { asker: 0, label: 1, version: 2, queryBytes: 3, answerBytes: 4, second: 5 } as const;
const FACT_COUNT = 6;
/** In place of a second: whenever it is. */
const ALWAYS = -1;
const LABELS = 4_096;

/** FNV-1a. */
const [SEED, PRIME] = [0x811c9dc5, 0x01000193];
const LOWER = 0x20;

export class AnswerCache {
	/** What was found last has TTLs that count down. */
	foundAges = false;
	readonly #nowMs: () => number;
	readonly #facts = new Int32Array(PLACES * FACT_COUNT);
	readonly #bytes = new Uint8Array(PLACES * PLACE_BYTES);
	/** How often names with such a first label have changed. */
	readonly #versions = new Int32Array(LABELS);

	constructor(nowMs: () => number = () => performance.now()) {
		this.#nowMs = nowMs;
	}

	/** Writes the answer to the query in the first `length` bytes of `packet` to `room`; how long it is, 0 when there is none. `asker` is not 0. */
	find(asker: number, packet: Uint8Array, length: number, room: Uint8Array): number {
		if (length > QUERY_BYTES || length <= HEADER_BYTES) return 0;
		const place = placeOf(asker, packet, length);
		const facts = place * FACT_COUNT;
		if (
			this.#facts[facts + FACTS.asker] !== asker ||
			this.#facts[facts + FACTS.queryBytes] !== length ||
			this.#facts[facts + FACTS.version] !== this.#versions[this.#facts[facts + FACTS.label] ?? 0]
		) {
			return 0;
		}
		const second = this.#facts[facts + FACTS.second];
		if (second !== ALWAYS && second !== this.#second()) return 0;
		this.foundAges = second !== ALWAYS;
		const bytes = this.#bytes;
		const query = place * PLACE_BYTES;
		for (let i = ID_BYTES; i < length; i++) if (bytes[query + i] !== packet[i]) return 0;
		const answer = query + QUERY_BYTES;
		const answerBytes = this.#facts[facts + FACTS.answerBytes] ?? 0;
		for (let i = ID_BYTES; i < answerBytes; i++) room[i] = bytes[answer + i] ?? 0;
		for (let i = 0; i < ID_BYTES; i++) room[i] = packet[i] ?? 0;
		return answerBytes;
	}

	/** Both are copied. `ages`: its TTLs count down, so it holds for what is left of this second. */
	keep(asker: number, packet: Uint8Array, answer: Uint8Array, { ages }: { readonly ages: boolean }): void {
		if (packet.length > QUERY_BYTES || packet.length <= HEADER_BYTES || answer.length > ANSWER_BYTES) return;
		const place = placeOf(asker, packet, packet.length);
		const label = labelAt(packet, HEADER_BYTES);
		const second = ages ? this.#second() : ALWAYS;
		const facts = [asker, label, this.#versions[label] ?? 0, packet.length, answer.length, second];
		this.#facts.set(facts, place * FACT_COUNT);
		this.#bytes.set(packet, place * PLACE_BYTES);
		this.#bytes.set(answer, place * PLACE_BYTES + QUERY_BYTES);
	}

	/** What was said about these names, or names below, may no longer be so. */
	changed(names: Iterable<NameKey>): void {
		for (const name of names) {
			const label = labelAt(Buffer.from(name, "latin1"), 0);
			this.#versions[label] = (this.#versions[label] ?? 0) + 1;
		}
	}

	#second(): number {
		return Math.trunc(this.#nowMs() / 1_000);
	}

	/** Nothing is kept any more. */
	clear(): void {
		this.#facts.fill(0);
	}
}

function placeOf(asker: number, packet: Uint8Array, length: number): number {
	let hash = SEED ^ asker;
	for (let i = ID_BYTES; i < length; i++) hash = Math.imul(hash ^ (packet[i] ?? 0), PRIME);
	return folded(hash, PLACES);
}

/** Of the label at `start` with its length byte, in any case. */
function labelAt(bytes: Uint8Array, start: number): number {
	let hash = SEED;
	const end = Math.min(bytes.length, start + 1 + (bytes[start] ?? 0));
	for (let i = start; i < end; i++) hash = Math.imul(hash ^ ((bytes[i] ?? 0) | LOWER), PRIME);
	return folded(hash, LABELS);
}

/** `count` is a power of two. */
function folded(hash: number, count: number): number {
	return (hash ^ (hash >>> 15)) & (count - 1);
}
