/** A volume's archive as it is made: its tree, the manifest behind it, compressed. */
import type { Content } from "./contents.ts";
import { type ArchiveCounts, countBeside } from "./counting.ts";
import type { ArchiveResult, BackupSpec } from "./job.ts";
import type { JobControl } from "./job-control.ts";
import type { Archiver } from "./kernel/archiver.ts";
import { type Moment, NOT_PAUSED, type Paused } from "./moment.ts";
import { type ArchiveTarget, inodeOf } from "./tree/archive-target.ts";
import { compressed, CountedBytes } from "./kernel/compressors.ts";

export interface Packed {
	readonly archiver: Archiver;
	readonly content: Pick<Content, "path" | "warnings">;
	readonly spec: BackupSpec;
	/** Undefined: nobody wants to know how much there is. */
	readonly counts: ArchiveCounts | undefined;
	/** Undefined: nobody is paused, and nothing is read twice. */
	readonly moment: Moment | undefined;
	readonly createdAt: Date;
	readonly control: JobControl;
	/** Its file. Without compression what there is of the tree is written there, and is not among the bytes that come. */
	readonly target: ArchiveTarget | undefined;
}

type Made = Pick<ArchiveResult, "entries" | "bytes" | "manifestSha256"> & Paused;

/** How an archive ended. */
interface End {
	made?: Made;
	/** Bytes of it that did not come. */
	written: number;
}

/**
 * The archive as it is stored or sent; a buffer is the reader's until it asks for the next but one. The value that it returns at its end is
 * what makes it one. Faults: KERNEL_REFUSED, ARCHIVER_FAILED, DISK_FULL (where lines are kept meanwhile).
 */
export async function* packed(packing: Packed): AsyncGenerator<Buffer, ArchiveResult> {
	const { spec, control, counts, content } = packing;
	using _ = counts && countBeside(counts, content.path, control);
	const { compression, level, volume } = spec;
	const end: End = { written: 0 };
	const tree = archived(packing, end);
	const archive = new CountedBytes(tree);
	const stored = new CountedBytes(compressed(archive, compression, level, control.signal));
	try {
		yield* stored;
	} finally {
		// When the reader has gone the compressor is not waited for; what the tree has open is.
		await tree.return();
	}
	const { made, written } = end;
	if (made === undefined) throw new Error("an archive ended before it was whole");
	const sizes = { expandedBytes: archive.bytes + written, storedBytes: stored.bytes + written };
	return { volume, ...made, ...sizes, verified: true, path: "", removed: [] };
}

async function* archived(
	{ archiver, moment, content, spec, createdAt, control, target }: Packed,
	end: End,
): AsyncGenerator<Buffer, void> {
	const { volume, patterns, compression } = spec;
	const into = compression === "none" ? target : undefined;
	const order = { path: content.path, patterns, twice: moment !== undefined, into, without: target && inodeOf(target) };
	await using packing = await archiver.pack(order, control.signal);
	control.progress = packing.progress; // which goes on
	yield* packing.tree();
	const paused = (await moment?.reach((writers) => packing.catchUp(writers))) ?? NOT_PAUSED;
	if (moment !== undefined) yield* packing.tree();
	if (into !== undefined) end.written = packing.progress.bytes;
	const { foot, sha256 } = yield* packing.manifest(volume, createdAt);
	const { entries, bytes } = foot;
	const warnings = [...content.warnings, ...foot.warnings, ...paused.warnings];
	end.made = { entries, bytes, manifestSha256: sha256, ...paused, warnings };
}
