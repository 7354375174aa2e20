/** What a container's process wrote, and on as it comes. */
import { watch } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { Call } from "#lib/rpc/handler.ts";
import { isErrno } from "#lib/linux/libc.ts";
import type { ContainerRecord } from "./container.ts";
import type { Parts } from "../parts.ts";
import { type LogEntry, LogParser } from "../runtime/log-format.ts";
import { logPathOf } from "./start.ts";

export interface LogQuery {
	readonly reference: string;
	readonly follow: boolean;
	/** Only so many last entries; undefined: all. */
	readonly tail: number | undefined;
}

const CHUNK_BYTES = 64 * 1024;

/** The file is held open: the log of a container that is removed on its end is read to its end all the same. */
export async function* logs(parts: Parts, { reference, follow, tail }: LogQuery, call: Call): AsyncGenerator<LogEntry> {
	const { id } = parts.table.get(reference);
	// Before the state is looked at: an end in between is told to this promise.
	const exited = parts.endings.exited(id);
	const goesOn = follow && mayWrite(parts.table.find(id));
	const path = logPathOf(parts, id);
	await using file = await openLog(path, goesOn);
	if (file === undefined) return;
	const reader = new LogReader(file);
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
	const watcher = watch(path, ring);
	try {
		while (!call.signal.aborted) {
			const last = over;
			yield* reader.entries();
			if (last) return;
			if (!over) await wake.promise;
			wake = Promise.withResolvers<void>();
		}
	} finally {
		watcher.close();
		call.signal.removeEventListener("abort", end);
	}
}

function mayWrite(record: ContainerRecord | undefined): boolean {
	return record !== undefined && record.state !== "EXITED" && record.state !== "REMOVING";
}

/** A container that has never run has no log yet; who follows it waits at an empty one. */
async function openLog(path: string, make: boolean): Promise<FileHandle | undefined> {
	try {
		return await open(path, make ? "a+" : "r", 0o600);
	} catch (error) {
		if (isErrno(error, "ENOENT")) return undefined;
		throw error;
	}
}

class LogReader {
	readonly #file: FileHandle;
	readonly #parser = new LogParser();
	#position = 0;

	constructor(file: FileHandle) {
		this.#file = file;
	}

	/** From where the last one stopped to the end of the file. */
	async *entries(): AsyncGenerator<LogEntry> {
		for (;;) {
			const { bytesRead, buffer } = await this.#file.read(
				Buffer.allocUnsafe(CHUNK_BYTES),
				0,
				CHUNK_BYTES,
				this.#position,
			);
			if (bytesRead === 0) return;
			this.#position += bytesRead;
			yield* this.#parser.push(buffer.subarray(0, bytesRead));
		}
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
