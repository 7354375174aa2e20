/** An archive on its way into an empty directory: decompressed, read along and judged, then given to tar. */
import { createHash } from "node:crypto";
import { statfs } from "node:fs/promises";
import { Readable, type Writable } from "node:stream";
import { disagreement } from "./archive/manifest.ts";
import { EntryPolicy } from "./archive/policy.ts";
import { Tally } from "./archive/tally.ts";
import { volumeFaults } from "./faults.ts";
import type { ArchiveResult, RestoreSpec } from "./job.ts";
import type { JobControl } from "./jobs.ts";
import { compressionOf, decompressor, MAGIC_BYTES, type Tar } from "./kernel/tar.ts";
import { treeDifference } from "./kernel/tree.ts";

export interface Unpacking {
	readonly tar: Tar;
	/** An empty directory. */
	readonly path: string;
	readonly spec: RestoreSpec;
	readonly source: AsyncIterable<Buffer>;
	readonly control: JobControl;
}

const END_OF_ARCHIVE = Buffer.alloc(1024);
/** What the disk keeps for others. */
const FREE_SHARE = 0.98;
const NEARLY_FULL_BYTES = 1024 * 1024;

/**
 * Resolves when the directory holds what the archive says, verified where it has a manifest.
 * Faults: ARCHIVE_CORRUPT, ENTRY_REFUSED, MANIFEST_MISMATCH, DISK_FULL, ARCHIVER_FAILED; the directory is then of no use.
 */
export async function unpack({ tar, path, spec, source, control }: Unpacking): Promise<ArchiveResult> {
	const { signal } = control;
	const tally = new Tally({
		policy: new EntryPolicy(spec.strip),
		onRefusal: "refuse",
		onFile: await room(path),
	});
	const stored = { bytes: 0, digest: createHash("sha256") };
	const children = new AbortController();
	const sink = await tar.unpack(path, spec.strip, AbortSignal.any([signal, children.signal]));
	const input = new Input(sink.stdin);
	try {
		for await (const chunk of decompressed(counted(source, stored), signal)) {
			for (const piece of tally.push(chunk)) await input.write(piece);
			control.progress = { entries: tally.entries, bytes: tally.bytes };
			if (input.broken) break;
		}
		if (!input.broken) tally.end();
		await input.write(END_OF_ARCHIVE);
	} catch (error) {
		children.abort();
		await sink.done;
		signal.throwIfAborted();
		throw error;
	}
	sink.stdin.end();
	const { exitCode, stderr } = await sink.done;
	signal.throwIfAborted();
	if (exitCode !== 0) throw await extractionFault(path, stderr);

	const foot = tally.foot();
	const { manifest } = tally;
	if (manifest !== undefined) {
		const lines = tally.lines();
		const problem = disagreement(manifest, lines, foot) ?? (await treeDifference(path, lines, spec.strip, signal));
		if (problem !== undefined) throw volumeFaults.MANIFEST_MISMATCH({ problem });
	}
	return {
		volume: spec.volume,
		entries: foot.entries,
		bytes: foot.bytes,
		storedBytes: stored.bytes,
		sha256: stored.digest.digest("hex"),
		warnings: (manifest?.foot.sockets ?? []).map((name) => `${name} was a socket and is not restored`),
		verified: manifest !== undefined,
	};
}

/**
 * Refuses a file that does not fit, before it is written. It is also the bound on what a small compressed archive can blow up
 * to: a ratio would refuse honest ones, since zstd shrinks zeros thirty thousand times.
 */
async function room(path: string): Promise<(sizeBytes: number) => void> {
	const { bavail, bsize } = await statfs(path);
	const freeBytes = bavail * bsize * FREE_SHARE;
	let needed = 0;
	return (sizeBytes) => {
		needed += sizeBytes;
		if (needed > freeBytes) {
			throw volumeFaults.DISK_FULL({
				path,
				problem: `the archive needs more than the ${Math.floor(freeBytes)} bytes that are free`,
			});
		}
	};
}

/** tar's own words, unless the disk says it all. */
async function extractionFault(path: string, stderr: string) {
	const { bavail, bsize, files, ffree } = await statfs(path);
	const words = stderr.trim().slice(-1_000) || "it was ended.";
	if (bavail * bsize < NEARLY_FULL_BYTES || (files > 0 && ffree < 16)) {
		return volumeFaults.DISK_FULL({ path, problem: words.split("\n")[0] ?? words });
	}
	return volumeFaults.ARCHIVER_FAILED({ program: "tar", words });
}

/** A child's input, at its pace. A child that has ended takes nothing more; its exit status says why. */
class Input {
	readonly #stream: Writable;
	#broken = false;
	#wake: () => void = () => undefined;

	constructor(stream: Writable) {
		this.#stream = stream;
		stream.on("drain", () => this.#wake());
		for (const event of ["error", "close"]) {
			stream.on(event, () => {
				this.#broken = true;
				this.#wake();
			});
		}
	}

	get broken(): boolean {
		return this.#broken;
	}

	async write(bytes: Buffer): Promise<void> {
		if (this.#broken || this.#stream.write(bytes)) return;
		await new Promise<void>((resolve) => {
			this.#wake = resolve;
		});
	}
}

async function* counted(
	source: AsyncIterable<Buffer>,
	stored: { bytes: number; readonly digest: { update(bytes: Buffer): unknown } },
): AsyncGenerator<Buffer> {
	for await (const chunk of source) {
		stored.bytes += chunk.length;
		stored.digest.update(chunk);
		yield chunk;
	}
}

/** What the archive is compressed with shows in its first bytes. */
async function* decompressed(source: AsyncGenerator<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer> {
	let first: Buffer = Buffer.alloc(0);
	while (first.length < MAGIC_BYTES) {
		const next = await source.next();
		if (next.done === true) break;
		first = Buffer.concat([first, next.value]);
	}
	const kind = compressionOf(first);
	const filter = decompressor(kind, signal);
	if (filter === undefined) {
		yield first;
		yield* source;
		return;
	}
	let broken: { readonly error: unknown } | undefined;
	const feed = Readable.from(prepended(first, source), { objectMode: false });
	feed.on("error", (error) => {
		broken = { error };
		filter.stdin.destroy();
	});
	filter.stdin.on("error", () => feed.destroy()); // it ended early: its exit status says why
	feed.pipe(filter.stdin);
	try {
		for await (const chunk of filter.stdout as AsyncIterable<Buffer>) yield chunk;
	} finally {
		feed.destroy();
	}
	const { exitCode, stderr } = await filter.done;
	signal.throwIfAborted();
	if (broken !== undefined) throw broken.error;
	if (exitCode !== 0) {
		throw volumeFaults.ARCHIVE_CORRUPT({ problem: `${kind} says ${stderr.trim().slice(-300) || "nothing"}` });
	}
}

async function* prepended(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
	yield first;
	yield* rest;
}
