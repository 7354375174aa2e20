/** An archive on its way into an empty directory: decompressed, judged and written as it is read, and compared with its manifest. */
import { disagreement } from "./archive/manifest.ts";
import { Expansion } from "./expansion.ts";
import { volumeFaults } from "./faults.ts";
import type { ArchiveResult, RestorePlan, RestoreSpec, VerifyResult } from "./job.ts";
import type { JobControl } from "./job-control.ts";
import type { StoredArchive } from "./kernel/archive-file.ts";
import type { Archiver, Read, Unpacking as Reading } from "./kernel/archiver.ts";
import { decompressed, StoredBytes } from "./kernel/compressors.ts";

export interface Unpacking {
	readonly archiver: Archiver;
	/** An empty directory. */
	readonly path: string;
	readonly spec: Pick<RestoreSpec, "volume" | "strip" | "privileges">;
	readonly source: StoredArchive;
	readonly control: JobControl;
	/** Made here: what it says of rights is believed, and it may become what it was. By the digest of all of its bytes. */
	readonly isOwn: (sha256: string) => boolean;
}

export interface Unpacked {
	readonly result: ArchiveResult;
	/** Directories that were made for what is in them, and of which the archive says nothing. */
	readonly implied: readonly string[];
}

/**
 * Resolves when the directory holds what the archive says, verified where it has a manifest.
 * Faults: ARCHIVE_CORRUPT, ARCHIVE_EXPANDS, ENTRY_REFUSED, MANIFEST_MISMATCH, DISK_FULL, KERNEL_REFUSED; the directory is then of no use.
 */
export async function unpack({ archiver, path, spec, source, control, isOwn }: Unpacking): Promise<Unpacked> {
	const { signal } = control;
	await using unpacking = await archiver.unpack(path, spec.strip, signal);
	const read = await readWhole(unpacking, source, control, isOwn);
	const { warnings, implied } = await unpacking.finish(spec.privileges || isOwn(read.sha256));
	return { result: resultOf(spec.volume, read, warnings), implied };
}

export interface Rehearsing extends Omit<Unpacking, "path"> {
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
	isOwn,
}: Rehearsing): Promise<RestorePlan> {
	await using unpacking = await archiver.unpack(undefined, spec.strip, control.signal);
	const read = await readWhole(unpacking, source, control, isOwn);
	const { differences, count } = path === undefined ? NO_DIFFERENCES : await unpacking.compare(path, merged);
	const { warnings } = await unpacking.finish(spec.privileges || isOwn(read.sha256));
	return { result: resultOf(spec.volume, read, warnings), differences, differenceCount: count };
}

function resultOf(volume: string, read: Stored, warnings: readonly string[]): ArchiveResult {
	const { entries, bytes, foot, storedBytes, sha256 } = read;
	const none = { path: "", paused: [], pausedMs: 0, removed: [] };
	return { volume, entries, bytes, storedBytes, sha256, warnings, verified: foot !== undefined, ...none };
}

export interface Verifying extends Pick<Unpacking, "archiver" | "source" | "control" | "isOwn"> {
	/** A directory to compare it with. */
	readonly path: string | undefined;
}

/** Reads the archive to its end, and makes nothing of it. Faults: as `unpack`. */
export async function verify({ archiver, path, source, control, isOwn }: Verifying): Promise<VerifyResult> {
	const { signal } = control;
	await using unpacking = await archiver.unpack(undefined, 0, signal);
	const read = await readWhole(unpacking, source, control, isOwn);
	const { differences, count } = path === undefined ? NO_DIFFERENCES : await unpacking.compare(path);
	return {
		entries: read.entries,
		bytes: read.bytes,
		storedBytes: read.storedBytes,
		sha256: read.sha256,
		hasManifest: read.foot !== undefined,
		differences,
		differenceCount: count,
	};
}

const NO_DIFFERENCES = { differences: [], count: 0 };

interface Stored extends Read {
	readonly storedBytes: number;
	readonly sha256: string;
}

/** To its end, and compared with its manifest. */
async function readWhole(
	unpacking: Reading,
	source: StoredArchive,
	control: JobControl,
	isOwn: Unpacking["isOwn"],
): Promise<Stored> {
	const stored = new StoredBytes();
	const expansion = new Expansion(source, stored, isOwn);
	for await (const chunk of decompressed(source, control.signal, stored)) {
		await expansion.take(chunk.length);
		await unpacking.push(chunk);
		control.progress = unpacking.progress;
		if (source.sizeBytes !== undefined) control.stored = { bytes: stored.bytes, total: source.sizeBytes };
	}
	const read = await unpacking.end();
	const problem = read.foot && disagreement(read.foot, read);
	if (problem !== undefined) throw volumeFaults.MANIFEST_MISMATCH({ problem });
	return { ...read, storedBytes: stored.bytes, sha256: stored.sha256() };
}
