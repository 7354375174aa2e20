/** Backups and restores as values. */
import type { VolumeName } from "./volume.ts";

export type Compression = "none" | "zstd" | "gzip";

export interface BackupSpec {
	readonly requestId: string;
	readonly volume: VolumeName;
	/** Undefined: the archive comes in the answers. */
	readonly path: string | undefined;
	readonly overwrite: boolean;
	readonly compression: Compression;
	/** Undefined: the program's default. */
	readonly level: number | undefined;
}

export interface RestoreSpec {
	readonly requestId: string;
	readonly volume: VolumeName;
	/** Undefined: the bytes follow. */
	readonly path: string | undefined;
	readonly create: boolean;
	readonly replace: boolean;
	readonly strip: number;
}

export interface Progress {
	readonly entries: number;
	readonly bytes: number;
}

export interface ArchiveResult {
	readonly volume: string;
	/** The manifest not counted. */
	readonly entries: number;
	/** Before compression, the manifest not counted. */
	readonly bytes: number;
	readonly storedBytes: number;
	readonly sha256: string;
	readonly warnings: readonly string[];
	readonly verified: boolean;
}

export type JobOutput =
	| { readonly kind: "chunk"; readonly bytes: Buffer }
	| { readonly kind: "progress"; readonly progress: Progress }
	| { readonly kind: "result"; readonly result: ArchiveResult };
