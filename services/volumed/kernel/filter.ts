/** A program that makes one stream of another, as zstd does, and sees nothing else. */
import { closeSync } from "node:fs";
import { type Child, start } from "#lib/exec/run.ts";
import { Drain, Feed } from "./bulk-pipes.ts";

const FEW_WORDS = 500;

/**
 * What the program writes; a buffer is the reader's until it asks for the next but one. One of `source` is written before the next
 * one is asked for. Returns the program's words when it did not end well. What `source` throws is thrown here.
 */
export async function* filtered(
	source: AsyncIterable<Buffer>,
	program: string,
	args: readonly string[],
	signal: AbortSignal,
): AsyncGenerator<Buffer, string | undefined> {
	using feed = new Feed();
	using drain = new Drain();
	const { done } = started(program, args, signal, { feed, drain });
	const feeding = fed(source, feed);
	// It is awaited below, when the output has ended, which it does with the input.
	feeding.catch(() => undefined);
	yield* drain.chunks();
	const { exitCode, stderr } = await done;
	signal.throwIfAborted();
	await feeding;
	return exitCode === 0 ? undefined : stderr.trim().slice(-FEW_WORDS) || "it was ended.";
}

/** The ends of the pipes that are the program's are its alone afterwards. */
function started(
	program: string,
	args: readonly string[],
	signal: AbortSignal,
	{ feed, drain }: { readonly feed: Feed; readonly drain: Drain },
): Child {
	try {
		return start(program, args, { signal, stdin: feed.far, stdout: drain.far });
	} finally {
		closeSync(feed.far);
		closeSync(drain.far);
	}
}

/** A program that has ended takes nothing more: its exit status says why. */
async function fed(source: AsyncIterable<Buffer>, feed: Feed): Promise<void> {
	try {
		for await (const bytes of source) if (!(await feed.write(bytes))) return;
	} finally {
		feed.end();
	}
}
