/** zstd and gzip as children: they see nothing but a stream. */
import { createHash, type Hash } from "node:crypto";
import type { Readable, Writable } from "node:stream";
import { type Ended, start } from "#lib/exec/run.ts";
import { volumeFaults } from "../faults.ts";
import type { Compression } from "../job.ts";

interface Filter {
	readonly stdin: Writable;
	readonly stdout: Readable;
	readonly done: Promise<Ended>;
}

const FEW_WORDS = 500;

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
	const words = yield* filtered(source, start(kind, args, { signal, stdin: "pipe" }), signal);
	if (words !== undefined) throw volumeFaults.ARCHIVER_FAILED({ program: kind, words });
}

/** What is known of an archive as it is stored. */
export class StoredBytes {
	bytes = 0;
	#digest: Hash | undefined;

	/** Undefined: it is stored as it is, and its reader digests it anyway. */
	get sha256(): string | undefined {
		return this.#digest?.copy().digest("hex");
	}

	async *counted(source: AsyncIterable<Buffer>, kind: Compression): AsyncGenerator<Buffer, void> {
		if (kind !== "none") this.#digest = createHash("sha256");
		for await (const chunk of source) {
			this.bytes += chunk.length;
			this.#digest?.update(chunk);
			yield chunk;
		}
	}
}

/** What the archive is compressed with shows in its first bytes. `stored` is told of what comes. Fault: ARCHIVE_CORRUPT. */
export async function* decompressed(
	source: AsyncIterable<Buffer>,
	signal: AbortSignal,
	stored: StoredBytes,
): AsyncGenerator<Buffer, void> {
	const chunks = source[Symbol.asyncIterator]();
	let first: Buffer = Buffer.alloc(0);
	while (first.length < MAGIC_BYTES) {
		const next = await chunks.next();
		if (next.done === true) break;
		// A copy: the buffer is its maker's again when the next one is asked for.
		first = Buffer.concat([first, next.value]);
	}
	const kind = compressionOf(first);
	const whole = stored.counted(prepended(first, { [Symbol.asyncIterator]: () => chunks }), kind);
	if (kind === "none") {
		yield* whole;
		return;
	}
	const args = kind === "zstd" ? ["-d", "-q", "-c"] : ["-d", "-c"];
	const words = yield* filtered(whole, start(kind, args, { signal, stdin: "pipe" }), signal);
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

/** The program's output; its words when it did not end well. What `source` throws is thrown here. */
async function* filtered(
	source: AsyncIterable<Buffer>,
	{ stdin, stdout, done }: Filter,
	signal: AbortSignal,
): AsyncGenerator<Buffer, string | undefined> {
	const feeding = fed(source, stdin);
	// It is awaited below, when the output has ended, which it does with the input.
	feeding.catch(() => undefined);
	try {
		for await (const chunk of stdout as AsyncIterable<Buffer>) yield chunk;
	} catch (error) {
		signal.throwIfAborted();
		throw error;
	} finally {
		stdin.destroy();
	}
	const { exitCode, stderr } = await done;
	signal.throwIfAborted();
	await feeding;
	return exitCode === 0 ? undefined : stderr.trim().slice(-FEW_WORDS) || "it was ended.";
}

/** Each buffer is the reader's own until it has been written. A child that has ended takes nothing more: its exit status says why. */
async function fed(source: AsyncIterable<Buffer>, stdin: Writable): Promise<void> {
	stdin.on("error", () => undefined);
	try {
		for await (const chunk of source) {
			const isGone = await new Promise<boolean>((resolve) => {
				stdin.write(chunk, (error) => resolve(error !== null && error !== undefined));
			});
			if (isGone) return;
		}
	} finally {
		stdin.end();
	}
}
