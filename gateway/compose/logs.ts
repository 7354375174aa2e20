/** What a container's process wrote, and on as it comes. */
import { type FSWatcher, watch } from "node:fs";
import type { Call } from "#lib/rpc/handler.ts";
import type { ContainerRecord } from "./container.ts";
import type { LogChain } from "../logs/log-files.ts";
import type { Parts } from "../parts.ts";
import { type LogEntry, LogParser } from "../runtime/log-format.ts";

export interface LogQuery {
	readonly reference: string;
	readonly follow: boolean;
	/** Only so many last entries; undefined: all. */
	readonly tail: number | undefined;
}

const CHUNK_BYTES = 64 * 1024;

/** The files are held open: the log of a container that is removed on its end is read to its end all the same, and so is one that goes. */
export async function* logs(parts: Parts, { reference, follow, tail }: LogQuery, call: Call): AsyncGenerator<LogEntry> {
	const { id } = parts.table.get(reference);
	// Before the state is looked at: an end in between is told to this promise.
	const exited = parts.endings.exited(id);
	const goesOn = follow && mayWrite(parts.table.find(id));
	// A container that has never run has no log yet; who follows it waits at an empty one.
	await using chain = await parts.logFiles.open(id, goesOn);
	const reader = new LogReader(chain);
	yield* tail === undefined ? reader.entries() : await lastOf(reader.entries(), tail);
	if (!goesOn) return;

	let wake = Promise.withResolvers<void>();
	let over = false;
	const ring = (): void => wake.resolve();
	const end = (): void => {
		over = true;
		ring();
	};
	void exited.then(end);
	call.signal.addEventListener("abort", end, { once: true });
	let watcher = watchLast(chain, ring);
	chain.onExtended = () => {
		watcher.close();
		watcher = watchLast(chain, ring);
		ring();
	};
	try {
		while (!call.signal.aborted) {
			const last = over;
			yield* reader.entries();
			if (last) return;
			if (!over) await wake.promise;
			wake = Promise.withResolvers<void>();
		}
	} finally {
		chain.onExtended = () => undefined;
		watcher.close();
		call.signal.removeEventListener("abort", end);
	}
}

/** By its descriptor: its name may be another file's by now. */
function watchLast({ files }: LogChain, ring: () => void): FSWatcher {
	return watch(`/proc/self/fd/${files.at(-1)?.fd ?? 0}`, ring);
}

function mayWrite(record: ContainerRecord | undefined): boolean {
	return record !== undefined && record.state !== "EXITED" && record.state !== "REMOVING";
}

class LogReader {
	readonly #chain: LogChain;
	/** Of files that conmon begins with a whole line, and ends with one. */
	readonly #parser = new LogParser();
	#index = 0;
	#position = 0;

	constructor(chain: LogChain) {
		this.#chain = chain;
	}

	/** From where the last one stopped to the end of the last file. */
	async *entries(): AsyncGenerator<LogEntry> {
		for (;;) {
			// Seen before the end is: a file that has a successor is not written any more.
			const isLast = this.#index >= this.#chain.files.length - 1;
			const chunk = await this.#chunk();
			if (chunk.length > 0) yield* this.#parser.push(chunk);
			else if (isLast) return;
			else {
				this.#index++;
				this.#position = 0;
			}
		}
	}

	async #chunk(): Promise<Uint8Array> {
		const file = this.#chain.files[this.#index];
		if (file === undefined) return new Uint8Array();
		const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, this.#position);
		this.#position += bytesRead;
		return buffer.subarray(0, bytesRead);
	}
}

async function lastOf(entries: AsyncIterable<LogEntry>, count: number): Promise<LogEntry[]> {
	const kept: LogEntry[] = [];
	for await (const entry of entries) {
		kept.push(entry);
		if (kept.length > 2 * count + CHUNK_BYTES) kept.splice(0, kept.length - count);
	}
	return count === 0 ? [] : kept.slice(-count);
}
