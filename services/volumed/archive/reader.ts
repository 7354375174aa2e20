/**
 * A tar archive as it streams by: entries and their content go to a sink, and the bytes come out again but for the end and for
 * what the sink takes out.
 *
 * Invariant: nothing comes out of `push` before everything up to it has been checked. Memory is bounded: one block, and
 * extended headers up to `LONGEST_PREFACE`.
 */
import { volumeFaults } from "../faults.ts";
import { type Entry, entryOf } from "./entry.ts";
import { BLOCK, type Header, isZeroBlock, mapGoesOn, parseHeader } from "./header.ts";
import { type PaxRecords, parsePax } from "./pax.ts";

export interface EntrySink {
	/** False takes the entry out of the stream; its content still comes here. A Fault ends it all. */
	entry(entry: Entry): boolean;
	/** Some more of the entry's content; the bytes are only there during the call. */
	content(bytes: Buffer): void;
	entryEnd(): void;
}

/** Attributes of a file may hold 64 KiB each; no honest header comes near. */
const LONGEST_PREFACE = 4 * 1024 * 1024;
/** Programs fill the last record up with zeros; the largest blocking factor in use makes 10 MiB. */
const LONGEST_FILLING = 64 * 1024 * 1024;

type State =
	| { readonly in: "header" }
	/** Something before an entry: an extended header, a long name. */
	| { readonly in: "preface"; readonly type: string; readonly size: number; readonly parts: Buffer[]; left: number }
	| { readonly in: "sparse-map" }
	| { readonly in: "content"; left: number; padding: number; readonly keep: boolean }
	/** One zero block was there; `filling` counts what follows the second. */
	| { readonly in: "end"; blocks: number; filling: number };

export class ArchiveReader {
	readonly #sink: EntrySink;
	#state: State = { in: "header" };
	#partial = Buffer.alloc(BLOCK);
	#partialBytes = 0;
	#at = 0;
	#pax: PaxRecords | undefined;
	#longName: Buffer | undefined;
	#longLink: Buffer | undefined;
	#entry: Entry | undefined;

	constructor(sink: EntrySink) {
		this.#sink = sink;
	}

	/** Bytes read so far. */
	get bytes(): number {
		return this.#at;
	}

	/** The bytes that go on, in order. They share memory with `chunk`. */
	push(chunk: Buffer): Buffer[] {
		const out = new Kept(chunk);
		let offset = 0;
		while (offset < chunk.length) {
			const state = this.#state;
			if (state.in === "content" || state.in === "preface") {
				offset += this.#pass(state, chunk, offset, out);
				continue;
			}
			const block = this.#nextBlock(chunk, offset);
			const taken = block.taken;
			this.#at += taken;
			if (block.bytes !== undefined) {
				const keep = this.#block(block.bytes, state);
				// A block that came in two pieces was not passed on piece by piece.
				if (keep && block.copied) out.extra(Buffer.from(block.bytes), offset + taken);
				else if (keep) out.through(offset, offset + taken);
			}
			offset += taken;
		}
		return out.pieces();
	}

	/** The stream is over: it must have been a whole archive. Fault: ARCHIVE_CORRUPT. */
	end(): void {
		const state = this.#state;
		if (state.in !== "end" || state.blocks < 2 || this.#partialBytes > 0) {
			throw volumeFaults.ARCHIVE_CORRUPT({ problem: `it is truncated at byte ${this.#at}` });
		}
	}

	#nextBlock(chunk: Buffer, offset: number): { bytes: Buffer | undefined; taken: number; copied: boolean } {
		if (this.#partialBytes === 0 && chunk.length - offset >= BLOCK) {
			return { bytes: chunk.subarray(offset, offset + BLOCK), taken: BLOCK, copied: false };
		}
		const taken = Math.min(BLOCK - this.#partialBytes, chunk.length - offset);
		chunk.copy(this.#partial, this.#partialBytes, offset, offset + taken);
		this.#partialBytes += taken;
		if (this.#partialBytes < BLOCK) return { bytes: undefined, taken, copied: true };
		this.#partialBytes = 0;
		return { bytes: this.#partial, taken, copied: true };
	}

	/** True when the block goes on. */
	#block(block: Buffer, state: Extract<State, { in: "header" | "sparse-map" | "end" }>): boolean {
		if (state.in === "end") {
			this.#atEnd(block, state);
			return false;
		}
		if (state.in === "sparse-map") {
			if (!mapGoesOn(block)) this.#beginContent(true);
			return true;
		}
		if (isZeroBlock(block)) {
			if (this.#pax !== undefined || this.#longName !== undefined || this.#longLink !== undefined) {
				throw volumeFaults.ARCHIVE_CORRUPT({ problem: "an extended header is followed by nothing" });
			}
			this.#state = { in: "end", blocks: 1, filling: 0 };
			return false;
		}
		return this.#header(parseHeader(block, this.#at - BLOCK));
	}

	#atEnd(block: Buffer, state: Extract<State, { in: "end" }>): void {
		if (!isZeroBlock(block)) {
			throw volumeFaults.ARCHIVE_CORRUPT({ problem: `something follows its end, at byte ${this.#at - BLOCK}` });
		}
		state.blocks += 1;
		state.filling += BLOCK;
		if (state.filling > LONGEST_FILLING) {
			throw volumeFaults.ARCHIVE_CORRUPT({ problem: "zeros without an end follow its end" });
		}
	}

	#header(header: Header): boolean {
		if ("xgLK".includes(header.type)) {
			if (header.size > LONGEST_PREFACE) {
				throw volumeFaults.ARCHIVE_CORRUPT({ problem: `an extended header has ${header.size} bytes` });
			}
			const left = header.size + paddingOf(header.size);
			this.#state = { in: "preface", type: header.type, size: header.size, parts: [], left };
			if (left === 0) this.#prefaceEnd(this.#state);
			return true;
		}
		this.#entry = entryOf(header, { pax: this.#pax, longName: this.#longName, longLink: this.#longLink });
		this.#pax = this.#longName = this.#longLink = undefined;
		const keep = this.#sink.entry(this.#entry);
		if (header.sparse?.extended === true) this.#state = { in: "sparse-map" };
		else this.#beginContent(keep);
		return keep;
	}

	#beginContent(keep: boolean): void {
		const size = this.#entry?.storedSize ?? 0;
		this.#state = { in: "content", left: size, padding: paddingOf(size), keep };
		if (size === 0) this.#entryEnd();
	}

	/** Takes what it can of content, padding or a preface, and answers with how much that was. */
	#pass(state: Extract<State, { in: "content" | "preface" }>, chunk: Buffer, offset: number, out: Kept): number {
		const left = state.left > 0 || state.in === "preface" ? state.left : state.padding;
		const taken = Math.min(left, chunk.length - offset);
		const bytes = chunk.subarray(offset, offset + taken);
		this.#at += taken;
		if (state.in === "preface") {
			out.through(offset, offset + taken);
			state.parts.push(Buffer.from(bytes));
			state.left -= taken;
			if (state.left === 0) this.#prefaceEnd(state);
			return taken;
		}
		if (state.keep) out.through(offset, offset + taken);
		if (state.left > 0) {
			state.left -= taken;
			this.#sink.content(bytes);
		} else {
			state.padding -= taken;
		}
		if (state.left === 0 && state.padding === 0) this.#entryEnd();
		return taken;
	}

	#entryEnd(): void {
		this.#sink.entryEnd();
		this.#state = { in: "header" };
	}

	#prefaceEnd({ type, size, parts }: Extract<State, { in: "preface" }>): void {
		const bytes = Buffer.concat(parts).subarray(0, size);
		this.#state = { in: "header" };
		switch (type) {
			case "x":
				this.#once(this.#pax);
				this.#pax = parsePax(bytes);
				return;
			case "g":
				refuseDecisive(parsePax(bytes));
				return;
			case "L":
				this.#once(this.#longName);
				this.#longName = upToNul(bytes);
				return;
			default:
				this.#once(this.#longLink);
				this.#longLink = upToNul(bytes);
		}
	}

	#once(before: unknown): void {
		if (before !== undefined) {
			throw volumeFaults.ARCHIVE_CORRUPT({ problem: "an entry has two extended headers of one kind" });
		}
	}
}

/** The parts of a chunk that go on, joined where they touch. */
class Kept {
	readonly #chunk: Buffer;
	readonly #pieces: Buffer[] = [];
	#start = 0;
	#end = 0;

	constructor(chunk: Buffer) {
		this.#chunk = chunk;
	}

	through(start: number, end: number): void {
		if (start !== this.#end) {
			this.#close();
			this.#start = start;
		}
		this.#end = end;
	}

	/** Bytes that stand for the chunk's own up to `end`. */
	extra(bytes: Buffer, end: number): void {
		this.#close();
		this.#pieces.push(bytes);
		this.#start = this.#end = end;
	}

	pieces(): Buffer[] {
		this.#close();
		return this.#pieces;
	}

	#close(): void {
		if (this.#end > this.#start) this.#pieces.push(this.#chunk.subarray(this.#start, this.#end));
		this.#start = this.#end;
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

function paddingOf(size: number): number {
	return (BLOCK - (size % BLOCK)) % BLOCK;
}

function upToNul(bytes: Buffer): Buffer {
	const end = bytes.indexOf(0);
	return end < 0 ? bytes : bytes.subarray(0, end);
}
