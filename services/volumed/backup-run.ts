/** Backups of several volumes in one run, as values. */
import type { ArchiveResult, BackupSpec, DirectoryTarget, ProgressReport } from "./job.ts";
import type { VolumeName } from "./volume.ts";

/** As of a backup, of each of the volumes. */
export interface BackupRunSpec extends Omit<BackupSpec, "volume" | "target"> {
	/** Each once. */
	readonly volumes: readonly VolumeName[];
	readonly target: DirectoryTarget;
}

export interface RunProgress {
	/** The one that is read. */
	readonly volume: string;
	/** Which one it is, from 1. */
	readonly position: number;
	/** Of how many. */
	readonly count: number;
	readonly progress: ProgressReport;
}

/** What became of a volume. */
export type Outcome =
	| { readonly kind: "done"; readonly result: ArchiveResult }
	| { readonly kind: "failed"; readonly volume: string; readonly reason: string; readonly message: string };

/** Volumes whose archives are of one time. */
export interface PausedVolumes extends Pick<ArchiveResult, "paused" | "pausedMs"> {
	readonly volumes: readonly string[];
}

/** What a run came to. */
export interface RunRecord {
	readonly outcomes: readonly Outcome[];
	readonly moments: readonly PausedVolumes[];
}

export type RunOutput =
	| { readonly kind: "progress"; readonly progress: RunProgress }
	| Outcome
	| {
			readonly kind: "end";
			readonly done: number;
			readonly failed: number;
			readonly moments: readonly PausedVolumes[];
	  };

/** The last answer. */
export function endOf({ outcomes, moments }: RunRecord): RunOutput {
	const done = outcomes.filter(({ kind }) => kind === "done").length;
	return { kind: "end", done, failed: outcomes.length - done, moments };
}
