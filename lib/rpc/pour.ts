/** From an async iterable into a stream, at the pace of whoever reads the stream. */
import type { Writable } from "node:stream";
import { abortable } from "#lib/concurrency/abortable.ts";

/**
 * Writes every item and resolves after the last; waits for `drain` where the stream is full, so a slow reader slows the source.
 * When `signal` is aborted it rejects with its reason, and the source's `return()` has been called.
 */
export async function pour<T>(
	source: AsyncIterable<T>,
	stream: Writable,
	signal: AbortSignal,
	encode: (item: T) => unknown = (item) => item,
): Promise<void> {
	const iterator = source[Symbol.asyncIterator]();
	try {
		for (;;) {
			const next = await abortable(iterator.next(), signal);
			if (next.done) return;
			if (!stream.write(encode(next.value))) await abortable(drained(stream), signal);
		}
	} catch (error) {
		await iterator.return?.();
		throw error;
	}
}

function drained(stream: Writable): Promise<void> {
	return new Promise((resolve) => {
		stream.once("drain", resolve);
	});
}
