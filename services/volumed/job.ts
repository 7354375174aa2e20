/** Backups and restores as values. */
import type { Difference } from "./archive/differences.ts";
import type { Dropped } from "./archive/place.ts";
import type { PathPatternTexts } from "./path-patterns.ts";
import type { RetentionRules } from "./retention.ts";
import type { VolumeName } from "./volume.ts";

export type Compression = "none" | "zstd" | "gzip";

/** Where an archive goes: into the answers; to a file; into a directory, where it gets a dated name and older ones go. */
export type BackupTarget =
	| { readonly kind: "stream" }
	| { readonly kind: "file"; readonly path: string; readonly overwrite: boolean }
	| DirectoryTarget;

export interface DirectoryTarget {
	readonly kind: "directory";
	readonly path: string;
	readonly retention: RetentionRules;
}

export interface BackupSpec {
	readonly requestId: string;
	readonly volume: VolumeName;
	readonly target: BackupTarget;
	readonly patterns: PathPatternTexts;
	/** Containers that write to it may be paused for a moment. */
	readonly pause: boolean;
	readonly compression: Compression;
	/** Undefined: the program's default. */
	readonly level: number | undefined;
	/** What there is to archive is counted beside it. */
	readonly count?: boolean;
}

/** What becomes of content that is there. */
export type Existing = "refuse" | "replace" | "merge";

export interface RestoreSpec {
	readonly requestId: string;
	readonly volume: VolumeName;
	/** Undefined: the bytes follow. */
	readonly path: string | undefined;
	readonly create: boolean;
	readonly existing: Existing;
	readonly strip: Dropped;
	/** What gives rights is given, whoever made the archive. */
	readonly privileges: boolean;
	/** Nothing is made or changed: it is only told what would be. */
	readonly dryRun: boolean;
	/** So many times as long as it is stored the archive may become. */
	readonly maxExpansion: number;
}

/** What a restore would do. */
export interface RestorePlan {
	readonly result: ArchiveResult;
	/** Of a content that would be replaced or merged, the first of those that would be gone. */
	readonly differences: readonly Difference[];
	readonly differenceCount: number;
}

export interface VerifySpec {
	readonly requestId: string;
	/** Undefined: the bytes follow. */
	readonly path: string | undefined;
	/** To compare it with. */
	readonly volume: VolumeName | undefined;
	/** As of a restore. */
	readonly maxExpansion: number;
}

export interface VerifyResult {
	readonly entries: number;
	readonly bytes: number;
	readonly storedBytes: number;
	/** Of the manifest, with which it agrees; empty: it has none. */
	readonly manifestSha256: string;
	/** The first ones. */
	readonly differences: readonly Difference[];
	readonly differenceCount: number;
}

export interface CloneSpec {
	readonly requestId: string;
	readonly volume: VolumeName;
	readonly target: VolumeName;
	readonly replace: boolean;
	/** Of a target that is made; undefined: those of the volume. */
	readonly labels: ReadonlyMap<string, string> | undefined;
	/** A target that is made gets the volume's driver and options. */
	readonly withOptions: boolean;
	readonly pause: boolean;
}

export interface Progress {
	readonly entries: number;
	readonly bytes: number;
}

/** How far a job is, and what is known of how far it has to go. */
export interface ProgressReport extends Progress {
	readonly elapsedMs: number;
	/** About; undefined: not known. */
	readonly total: Progress | undefined;
	/** Of what is read from a file: as it is stored. */
	readonly stored: { readonly bytes: number; readonly total: number } | undefined;
}

/** How a backup, a restore or a clone ended; of a clone there is no archive. */
export interface ArchiveResult {
	readonly volume: string;
	/** The manifest not counted; of a restore those that it restored; of a clone what is in the target, its root included. */
	readonly entries: number;
	/** Before compression, the manifest not counted; of a restore those of the entries that it restored; of a clone the files' data, holes not counted. */
	readonly bytes: number;
	/** Before compression, all of it; of a clone 0. */
	readonly expandedBytes: number;
	/** Of a clone 0. */
	readonly storedBytes: number;
	/** What the archive is known by; empty: it has no manifest, or there is no archive, as of a clone. */
	readonly manifestSha256: string;
	readonly warnings: readonly string[];
	/** Of a clone false. */
	readonly verified: boolean;
	/** Of a backup: where it is; empty when it was sent. */
	readonly path: string;
	/** Of a backup or a clone: names of containers that were paused for it, and for how long. */
	readonly paused: readonly string[];
	readonly pausedMs: number;
	/** Of a backup: the paths of older ones that went. */
	readonly removed: readonly string[];
}

/** What a job tells, and at its end comes to. */
export type Told<R> =
	| { readonly kind: "progress"; readonly progress: ProgressReport }
	| { readonly kind: "result"; readonly result: R };

export type RestoreOutput = Told<ArchiveResult> | { readonly kind: "plan"; readonly plan: RestorePlan };

export type JobOutput = Told<ArchiveResult> | { readonly kind: "chunk"; readonly bytes: Buffer };
