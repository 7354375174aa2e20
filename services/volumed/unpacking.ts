/** An archive on its way into an empty directory: decompressed, judged and written as it is read, and compared with its manifest. */
import { disagreement } from "./archive/manifest.ts";
import { Expansion } from "./expansion.ts";
import { volumeFaults } from "./faults.ts";
import type { ArchiveResult, RestorePlan, RestoreSpec, VerifyResult } from "./job.ts";
import type { JobControl } from "./job-control.ts";
import type { StoredArchive } from "./kernel/archive-file.ts";
import type { MadeArchives } from "./made-archives.ts";
import type { Archiver, Read } from "./kernel/archiver.ts";
import type { Unpacking as Reading } from "./kernel/unpacking.ts";
import type { Destination } from "./tree/destination.ts";
import { CountedBytes, decompressed } from "./kernel/compressors.ts";

export interface Unpacking {
	readonly archiver: Archiver;
	/** An empty directory. */
	readonly destination: Destination;
	readonly spec: Pick<RestoreSpec, "volume" | "strip" | "privileges" | "maxExpansion">;
	readonly source: StoredArchive;
	readonly control: JobControl;
	readonly made: MadeArchives;
}

export interface Unpacked {
	readonly result: ArchiveResult;
	/** Directories that were made for what is in them, and of which the archive says nothing. */
	readonly implied: readonly string[];
}

/**
 * Resolves when the directory holds what the archive says, verified where it has a manifest.
 * Faults: NOT_A_TAR, ARCHIVE_CORRUPT, ARCHIVE_EXPANDS, ENTRY_REFUSED, MANIFEST_MISMATCH, NOTHING_LEFT, SUBPATH_MISSING, DISK_FULL, KERNEL_REFUSED,
 * STAGE_CHANGED; the directory is then of no use.
 */
export async function unpack({ archiver, destination, spec, source, control, made }: Unpacking): Promise<Unpacked> {
	const { signal } = control;
	await using unpacking = await archiver.unpack(destination, spec.strip, signal);
	const read = await readWhole(unpacking, { source, control, made, maxExpansion: spec.maxExpansion });
	const { warnings, implied } = await unpacking.finish(spec.privileges || isOwn(read, made));
	return { result: resultOf(spec.volume, read, warnings), implied };
}

export interface Rehearsing extends Omit<Unpacking, "destination"> {
	/** A content that it would replace, or be merged with. */
	readonly path: string | undefined;
	readonly merged: boolean;
}

/** Reads the archive to its end, makes nothing of it, and tells what `unpack` would. Faults: as that, but for DISK_FULL; DIRECTORY_IN_THE_WAY. */
export async function rehearse({
	archiver,
	path,
	merged,
	spec,
	source,
	control,
	made,
}: Rehearsing): Promise<RestorePlan> {
	await using unpacking = await archiver.read(spec.strip, path !== undefined, control.signal);
	const read = await readWhole(unpacking, { source, control, made, maxExpansion: spec.maxExpansion });
	const { differences, count } = path === undefined ? NO_DIFFERENCES : await unpacking.compare(path, merged);
	const { warnings } = await unpacking.finish(spec.privileges || isOwn(read, made));
	return { result: resultOf(spec.volume, read, warnings), differences, differenceCount: count };
}

function resultOf(volume: string, read: Stored, warnings: readonly string[]): ArchiveResult {
	const { manifest, kept, expandedBytes, storedBytes } = read;
	const none = { path: "", paused: [], pausedMs: 0, removed: [] };
	const [verified, manifestSha256] = [manifest !== undefined, manifest?.sha256 ?? ""];
	return { volume, ...kept, expandedBytes, storedBytes, manifestSha256, warnings, verified, ...none };
}

export interface Verifying extends Pick<Unpacking, "archiver" | "source" | "control" | "made"> {
	/** A directory to compare it with. */
	readonly path: string | undefined;
	readonly maxExpansion: number;
}

/** Reads the archive to its end, and makes nothing of it. Faults: as `unpack`. */
export async function verify({
	archiver,
	path,
	source,
	control,
	made,
	maxExpansion,
}: Verifying): Promise<VerifyResult> {
	const { signal } = control;
	await using unpacking = await archiver.read(0, path !== undefined, signal);
	const read = await readWhole(unpacking, { source, control, made, maxExpansion });
	const { differences, count } = path === undefined ? NO_DIFFERENCES : await unpacking.compare(path);
	return {
		entries: read.entries,
		bytes: read.bytes,
		storedBytes: read.storedBytes,
		manifestSha256: read.manifest?.sha256 ?? "",
		differences,
		differenceCount: count,
	};
}

const NO_DIFFERENCES = { differences: [], count: 0 };

interface Stored extends Read {
	readonly expandedBytes: number;
	readonly storedBytes: number;
}

function isOwn({ manifest }: Read, made: MadeArchives): boolean {
	return manifest !== undefined && made.has(manifest.sha256);
}

/** To its end, and compared with its manifest. */
async function readWhole(
	unpacking: Reading,
	{ source, control, made, maxExpansion }: Omit<Verifying, "archiver" | "path">,
): Promise<Stored> {
	const { sizeBytes, dataBytes } = source;
	const stored = new CountedBytes(source);
	const expanded = new CountedBytes(decompressed(stored, control.signal));
	const expansion = new Expansion(sizeBytes === undefined ? 0 : made.bytesOf(sizeBytes), maxExpansion);
	for await (const chunk of expanded) {
		expansion.take(chunk.length, dataBytes ?? stored.bytes);
		await unpacking.push(chunk);
		control.progress = unpacking.progress;
		if (sizeBytes !== undefined) control.stored = { bytes: stored.bytes, total: sizeBytes };
	}
	const read = await unpacking.end();
	const problem = read.manifest && disagreement(read.manifest.foot, read);
	if (problem !== undefined) throw volumeFaults.MANIFEST_MISMATCH({ problem });
	return { ...read, expandedBytes: expanded.bytes, storedBytes: stored.bytes };
}
