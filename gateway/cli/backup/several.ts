/** Backups of several volumes, as the command line follows them. */
import { type BackupFailure, BackupServiceService, type BackupVolumesRequest } from "#gen/wharf/volume/v1/volume.ts";
import { ProgressLine } from "../output/progress-line.ts";
import { progressText } from "../output/progress-text.ts";
import { connect } from "../requests.ts";
import type { Terminal } from "../terminal.ts";
import { untilLeft } from "./followed.ts";
import { tellFailures, tellPaused, tellResult } from "./told.ts";

/** Tells what comes of each. Answers the exit status: 1 when one of them could not be archived. */
export async function backupSeveral(
	request: BackupVolumesRequest,
	terminal: Terminal,
	signal: AbortSignal,
): Promise<number> {
	using volumed = connect(terminal.paths, "volumed", BackupServiceService);
	const asked = { volumed, requestId: request.requestId, terminal, signal };
	const line = new ProgressLine(terminal);
	const failures: BackupFailure[] = [];
	try {
		for await (const { part } of untilLeft(asked, (options) => volumed.backupVolumes(request, options))) {
			if (part?.$case === "progress" && part.value.progress !== undefined) {
				const { volume, position, count, progress } = part.value;
				await line.draw(`${volume} (${position} of ${count}): ${progressText(progress)}`);
			}
			if (part?.$case === "failed") failures.push(part.value);
			if (part?.$case === "done") {
				await line.clear();
				for (const warning of part.value.warnings) await terminal.err(`${part.value.volume}: ${warning}\n`);
				await tellResult(part.value, terminal);
			}
			if (part?.$case === "result") {
				await line.clear();
				for (const moment of part.value.moments) await tellPaused(moment, terminal);
				await tellFailures(failures, part.value.done + part.value.failed, terminal);
				return part.value.failed > 0 ? 1 : 0;
			}
		}
	} finally {
		await line.clear();
	}
	throw new Error("volumed ended the stream without a result");
}
