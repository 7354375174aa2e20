/**
 * A tar archive as it streams by: its entries and their content go to a sink.
 *
 * Memory is bounded: one block, and extended headers up to `LONGEST_PREFACE`.
 */
import { volumeFaults } from "../faults.ts";
import { type Entry, entryOf } from "./entry.ts";
import { BLOCK, type Extent, type Header, isZeroBlock, paddingOf, parseHeader, parseMapBlock } from "./header.ts";
import { type PaxRecords, parsePax, partOf } from "./pax.ts";

export interface EntrySink {
	/** Records that hold for all entries behind them; they say of none where it goes. */
	global?(records: PaxRecords): void;
	/** `at`: the byte of the archive at which all that belongs to the entry begins. A Fault ends it all. */
	entry(entry: Entry, at: number): void;
	/** Some more of the entry's content; the bytes are only there during the call. */
	content(bytes: Buffer): void;
	entryEnd(): void;
}

/** Attributes of a file may hold 64 KiB each; no honest header comes near. */
export const LONGEST_PREFACE = 4 * 1024 * 1024;
/** Programs fill the last record up with zeros; the largest blocking factor in use makes 10 MiB. */
const LONGEST_FILLING = 64 * 1024 * 1024;
/** Of an old sparse file: its blocks come one by one and are kept. */
const MOST_EXTENTS = 1_000_000;

type State =
	| { readonly in: "header" }
	/** Something before an entry: an extended header, a long name. */
	| { readonly in: "preface"; readonly type: string; readonly size: number; readonly parts: Buffer[]; left: number }
	| { readonly in: "sparse-map"; readonly entry: Entry; readonly extents: Extent[] }
	| { readonly in: "content"; left: number; padding: number }
	/** One zero block was there; `filling` counts what follows the second. */
	| { readonly in: "end"; blocks: number; filling: number };

/** Of all of the archive (`tar -V`): it says nothing of any entry. */
const LABEL = "V";
const PREFACES = `xgLK${LABEL}`;

const AT_HEADER: State = { in: "header" };

export class ArchiveReader {
	readonly #sink: EntrySink;
	readonly #longestPreface: number;
	#state: State = AT_HEADER;
	readonly #partial = Buffer.alloc(BLOCK);
	#partialBytes = 0;
	#at = 0;
	#endAt: number | undefined;
	/** Where the entry begins that is being read, with what stands before it. */
	#start: number | undefined;
	#pax: PaxRecords | undefined;
	#longName: string | undefined;
	#longLink: string | undefined;

	constructor(sink: EntrySink, { longestPreface = LONGEST_PREFACE } = {}) {
		this.#sink = sink;
		this.#longestPreface = longestPreface;
	}

	/** Bytes read so far, the archive's end not counted. */
	get bytes(): number {
		return this.#endAt ?? this.#at;
	}

	/** What was pushed so far is of whole entries, and of nothing more. */
	get isBetweenEntries(): boolean {
		return this.#state.in === "header" && this.#start === undefined && this.#partialBytes === 0;
	}

	/** Something was said of an entry that has not come yet. */
	get #isBeforeEntry(): boolean {
		return this.#pax !== undefined || this.#longName !== undefined || this.#longLink !== undefined;
	}

	push(chunk: Buffer): void {
		for (let offset = 0; offset < chunk.length; ) {
			const state = this.#state;
			if (state.in === "content") offset += this.#content(state, chunk, offset);
			else if (state.in === "preface") offset += this.#preface(state, chunk, offset);
			else offset += this.#blockFrom(chunk, offset);
		}
	}

	/** The stream is over: it must have been a whole archive. Fault: ARCHIVE_CORRUPT. */
	end(): void {
		const state = this.#state;
		if (state.in !== "end" || state.blocks < 2 || this.#partialBytes > 0) {
			throw volumeFaults.ARCHIVE_CORRUPT({ problem: `it is truncated at byte ${this.#at}` });
		}
	}

	/** Answers how much of the chunk it took. */
	#blockFrom(chunk: Buffer, offset: number): number {
		if (this.#partialBytes === 0 && chunk.length - offset >= BLOCK) {
			this.#at += BLOCK;
			this.#block(chunk, offset);
			return BLOCK;
		}
		const taken = Math.min(BLOCK - this.#partialBytes, chunk.length - offset);
		chunk.copy(this.#partial, this.#partialBytes, offset, offset + taken);
		this.#partialBytes += taken;
		this.#at += taken;
		if (this.#partialBytes < BLOCK) return taken;
		this.#partialBytes = 0;
		this.#block(this.#partial, 0);
		return taken;
	}

	/** The one that begins at `start`. */
	#block(bytes: Buffer, start: number): void {
		const state = this.#state;
		if (state.in === "end") return this.#atEnd(bytes, start, state);
		if (state.in === "sparse-map") return this.#map(bytes, start, state);
		if (!isZeroBlock(bytes, start)) return this.#header(parseHeader(bytes, start, this.#at - BLOCK));
		this.#refuseBefore();
		this.#endAt = this.#at - BLOCK;
		this.#state = { in: "end", blocks: 1, filling: 0 };
	}

	#atEnd(bytes: Buffer, start: number, state: Extract<State, { in: "end" }>): void {
		if (!isZeroBlock(bytes, start)) {
			throw volumeFaults.ARCHIVE_CORRUPT({ problem: `something follows its end, at byte ${this.#at - BLOCK}` });
		}
		state.blocks += 1;
		state.filling += BLOCK;
		if (state.filling > LONGEST_FILLING) {
			throw volumeFaults.ARCHIVE_CORRUPT({ problem: "zeros without an end follow its end" });
		}
	}

	#header(header: Header): void {
		this.#start ??= this.#at - BLOCK;
		if (header.type === LABEL) this.#refuseBefore();
		if (PREFACES.includes(header.type)) {
			if (header.size > this.#longestPreface) {
				throw volumeFaults.ARCHIVE_CORRUPT({ problem: `an extended header has ${header.size} bytes` });
			}
			const left = header.size + paddingOf(header.size);
			const state = { in: "preface" as const, type: header.type, size: header.size, parts: [], left };
			this.#state = state;
			if (left === 0) this.#prefaceEnd(state.type, "");
			return;
		}
		const entry = entryOf(header, { pax: this.#pax, longName: this.#longName, longLink: this.#longLink });
		this.#pax = this.#longName = this.#longLink = undefined;
		if (header.sparse?.extended === true)
			this.#state = { in: "sparse-map", entry, extents: [...header.sparse.extents] };
		else this.#begin(entry);
	}

	#map(bytes: Buffer, start: number, { entry, extents }: Extract<State, { in: "sparse-map" }>): void {
		const more = parseMapBlock(bytes, start, this.#at - BLOCK);
		extents.push(...more.extents);
		if (extents.length > MOST_EXTENTS) {
			throw volumeFaults.ARCHIVE_CORRUPT({ problem: `a sparse file has more than ${MOST_EXTENTS} parts` });
		}
		if (!more.extended) this.#begin({ ...entry, map: extents });
	}

	#begin(entry: Entry): void {
		this.#sink.entry(entry, this.#start ?? this.#at);
		this.#start = undefined;
		const size = entry.storedSize;
		if (size === 0) this.#entryEnd();
		else this.#state = { in: "content", left: size, padding: paddingOf(size) };
	}

	/** Takes what it can of content or of what fills its last block up, and answers how much that was. */
	#content(state: Extract<State, { in: "content" }>, chunk: Buffer, offset: number): number {
		const taken = Math.min(state.left > 0 ? state.left : state.padding, chunk.length - offset);
		this.#at += taken;
		if (state.left > 0) {
			state.left -= taken;
			this.#sink.content(chunk.subarray(offset, offset + taken));
		} else state.padding -= taken;
		if (state.left === 0 && state.padding === 0) this.#entryEnd();
		return taken;
	}

	#entryEnd(): void {
		this.#state = AT_HEADER;
		this.#sink.entryEnd();
	}

	#preface(state: Extract<State, { in: "preface" }>, chunk: Buffer, offset: number): number {
		const { type, size, parts } = state;
		const taken = Math.min(state.left, chunk.length - offset);
		this.#at += taken;
		if (taken === state.left && parts.length === 0) {
			this.#prefaceEnd(type, chunk.toString("latin1", offset, offset + size));
			return taken;
		}
		parts.push(Buffer.from(chunk.subarray(offset, offset + taken)));
		state.left -= taken;
		if (state.left === 0) this.#prefaceEnd(type, Buffer.concat(parts).toString("latin1", 0, size));
		return taken;
	}

	#prefaceEnd(type: string, text: string): void {
		this.#state = AT_HEADER;
		switch (type) {
			case LABEL:
				return;
			case "x":
				this.#once(this.#pax);
				this.#pax = parsePax(text);
				return;
			case "g":
				this.#global(parsePax(text));
				return;
			case "L":
				this.#once(this.#longName);
				this.#longName = upToNul(text);
				return;
			default:
				this.#once(this.#longLink);
				this.#longLink = upToNul(text);
		}
	}

	#global(records: PaxRecords): void {
		refuseDecisive(records);
		// It belongs to no entry.
		if (!this.#isBeforeEntry) this.#start = undefined;
		this.#sink.global?.(records);
	}

	/** Here is no entry that something could stand before. */
	#refuseBefore(): void {
		if (this.#isBeforeEntry)
			throw volumeFaults.ARCHIVE_CORRUPT({ problem: "an extended header is followed by nothing" });
	}

	#once(before: unknown): void {
		if (before !== undefined) {
			throw volumeFaults.ARCHIVE_CORRUPT({ problem: "an entry has two extended headers of one kind" });
		}
	}
}

/** What holds for all entries must not say where one goes. */
function refuseDecisive(records: PaxRecords): void {
	for (const key of records.keys()) {
		if (/^(path|linkpath|size|GNU\.sparse\..*|SCHILY\..*)$/.test(key)) {
			throw volumeFaults.ARCHIVE_CORRUPT({ problem: `a global header says ${key}` });
		}
	}
}

function upToNul(text: string): string {
	const end = text.indexOf("\0");
	return end < 0 ? text : partOf(text, 0, end);
}
