/** A volume's archive as it is made: tar, read along, its manifest behind it, compressed. */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { EntryPolicy } from "./archive/policy.ts";
import { manifestEntry } from "./archive/manifest.ts";
import { Tally } from "./archive/tally.ts";
import { volumeFaults } from "./faults.ts";
import type { ArchiveResult, BackupSpec } from "./job.ts";
import type { JobControl } from "./jobs.ts";
import { compressor, remarksOf, type Tar } from "./kernel/tar.ts";

export interface Packing {
	readonly tar: Tar;
	/** Where the volume's content is. */
	readonly path: string;
	readonly spec: BackupSpec;
	readonly createdAt: Date;
	readonly control: JobControl;
}

/** The archive as it is stored or sent. The value that it returns at its end is what makes it one. */
export async function* packed(packing: Packing): AsyncGenerator<Buffer, ArchiveResult> {
	const { spec, control } = packing;
	const end: { made?: Made } = {};
	const digest = createHash("sha256");
	let storedBytes = 0;
	for await (const chunk of compressed(archived(packing, end), spec, control.signal)) {
		digest.update(chunk);
		storedBytes += chunk.length;
		yield chunk;
	}
	const { made } = end;
	if (made === undefined) throw new Error("an archive ended before it was whole");
	return { volume: spec.volume, ...made, storedBytes, sha256: digest.digest("hex"), verified: true };
}

type Made = Pick<ArchiveResult, "entries" | "bytes" | "warnings">;

async function* archived(
	{ tar, path, spec, createdAt, control }: Packing,
	end: { made?: Made },
): AsyncGenerator<Buffer, void> {
	const tally = new Tally({ policy: new EntryPolicy(), onRefusal: "warn" });
	const source = await tar.pack(path, control.signal);
	try {
		for await (const chunk of source.stdout as AsyncIterable<Buffer>) {
			yield* tally.push(chunk);
			control.progress = { entries: tally.entries, bytes: tally.bytes };
		}
	} catch (error) {
		control.signal.throwIfAborted();
		throw error;
	}
	const ended = await source.done;
	control.signal.throwIfAborted();
	const { sockets, warnings } = remarksOf(ended);
	tally.end();
	const lines = tally.lines();
	const socketWarnings = sockets.map((name) => `${name} is a socket, which no archive can hold`);
	const foot = { ...tally.foot(), sockets, warnings: [...tally.warnings, ...warnings] };
	yield* manifestEntry(spec.volume, createdAt, lines, foot);
	end.made = { entries: foot.entries, bytes: foot.bytes, warnings: [...foot.warnings, ...socketWarnings] };
}

async function* compressed(
	archive: AsyncGenerator<Buffer, void>,
	{ compression, level }: BackupSpec,
	signal: AbortSignal,
): AsyncGenerator<Buffer, void> {
	const filter = compressor(compression, level, signal);
	if (filter === undefined) {
		yield* archive;
		return;
	}
	let broken: { readonly error: unknown } | undefined;
	const feed = Readable.from(archive, { objectMode: false });
	feed.on("error", (error) => {
		broken = { error };
		filter.stdin.destroy();
	});
	filter.stdin.on("error", () => feed.destroy()); // it ended early: its exit status says why
	feed.pipe(filter.stdin);
	try {
		for await (const chunk of filter.stdout as AsyncIterable<Buffer>) yield chunk;
	} catch (error) {
		signal.throwIfAborted();
		throw error;
	} finally {
		feed.destroy();
	}
	const { exitCode, stderr } = await filter.done;
	signal.throwIfAborted();
	if (broken !== undefined) throw broken.error;
	if (exitCode !== 0) {
		throw volumeFaults.ARCHIVER_FAILED({ program: compression, words: stderr.trim().slice(-500) || "it was ended." });
	}
}
