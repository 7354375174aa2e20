/** Messages of backups of several volumes to values, and back. */
import type * as pb from "#gen/wharf/volume/v1/volume.ts";
import { atField } from "#lib/fault/fault.ts";
import type { BackupRunSpec, RunOutput } from "./backup-run.ts";
import { parseContent, renderProgress, renderResult } from "./convert-archive.ts";
import { volumeFaults } from "./faults.ts";
import { parseVolumeName } from "./volume.ts";

export function parseBackups(message: pb.BackupVolumesRequest): Omit<BackupRunSpec, "requestId"> {
	const { directory, retention } = message;
	const volumes = message.volumes.map((name, index) => atField(`volumes[${index}]`, () => parseVolumeName(name)));
	if (volumes.length === 0) {
		const allowed = "one name or more";
		throw volumeFaults.INVALID_OPTION({ option: "volumes", value: "", allowed }, { field: "volumes" });
	}
	const target = { kind: "directory", path: directory, retention: { ...retention } } as const;
	return { ...parseContent(message), volumes: [...new Set(volumes)], target };
}

export function renderBackups(output: RunOutput): pb.BackupVolumesResponse {
	switch (output.kind) {
		case "progress": {
			const { progress, ...rest } = output.progress;
			return { part: { $case: "progress", value: { ...rest, progress: renderProgress(progress) } } };
		}
		case "done":
			return { part: { $case: "done", value: renderResult(output.result) } };
		case "failed": {
			const { kind: _, ...value } = output;
			return { part: { $case: "failed", value } };
		}
		case "end": {
			const { done, failed } = output;
			const moments = output.moments.map(({ volumes, paused, pausedMs }) => {
				return { volumes: [...volumes], paused: [...paused], pausedMs };
			});
			return { part: { $case: "result", value: { done, failed, moments } } };
		}
	}
}
