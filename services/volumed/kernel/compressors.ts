/** zstd and gzip as children: they see nothing but a stream. */
import { volumeFaults } from "../faults.ts";
import type { Compression } from "../job.ts";
import { filtered } from "./filter.ts";

/** The compressed form of what `source` gives; a buffer of it is written before the next one is asked for. Fault: ARCHIVER_FAILED. */
export async function* compressed(
	source: AsyncIterable<Buffer>,
	kind: Compression,
	level: number | undefined,
	signal: AbortSignal,
): AsyncGenerator<Buffer, void> {
	if (kind === "none") {
		yield* source;
		return;
	}
	const levels = level === undefined ? [] : [`-${level}`];
	const args = kind === "zstd" ? ["-q", "-c", "-T0", ...levels] : ["-c", "-n", ...levels];
	const words = yield* filtered(source, kind, args, signal);
	if (words !== undefined) throw volumeFaults.ARCHIVER_FAILED({ program: kind, words });
}

export class CountedBytes implements AsyncIterable<Buffer> {
	/** So many have come. */
	bytes = 0;
	readonly #source: AsyncIterable<Buffer>;

	constructor(source: AsyncIterable<Buffer>) {
		this.#source = source;
	}

	async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void> {
		for await (const chunk of this.#source) {
			this.bytes += chunk.length;
			yield chunk;
		}
	}
}

/** What the archive is compressed with shows in its first bytes. Fault: ARCHIVE_CORRUPT. */
export async function* decompressed(source: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer, void> {
	const chunks = source[Symbol.asyncIterator]();
	let first: Buffer = Buffer.alloc(0);
	while (first.length < MAGIC_BYTES) {
		const next = await chunks.next();
		if (next.done === true) break;
		// A copy: the buffer is its maker's again when the next one is asked for.
		first = Buffer.concat([first, next.value]);
	}
	const kind = compressionOf(first);
	const whole = prepended(first, { [Symbol.asyncIterator]: () => chunks });
	if (kind === "none") {
		yield* whole;
		return;
	}
	const args = kind === "zstd" ? ["-d", "-q", "-c"] : ["-d", "-c"];
	const words = yield* filtered(whole, kind, args, signal);
	if (words !== undefined) throw volumeFaults.ARCHIVE_CORRUPT({ problem: `${kind} says ${words}` });
}

const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const GZIP = Buffer.from([0x1f, 0x8b]);
/** How many first bytes tell. */
const MAGIC_BYTES = ZSTD.length;

function compressionOf(first: Buffer): Compression {
	if (first.subarray(0, ZSTD.length).equals(ZSTD)) return "zstd";
	return first.subarray(0, GZIP.length).equals(GZIP) ? "gzip" : "none";
}

async function* prepended(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
	yield first;
	yield* rest;
}
