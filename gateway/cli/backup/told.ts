/** What came of a backup, for a person. */
import type { BackupFailure, BackupMoment, BackupResult } from "#gen/wharf/volume/v1/volume.ts";
import { count, entriesText, size } from "../output/quantity.ts";
import type { Terminal } from "../terminal.ts";

type Written = Pick<Terminal, "out" | "err">;

/** Where the archive is, and what could not be kept; of one that was sent to standard output nothing else goes there. */
export async function tellResult(result: BackupResult, terminal: Written): Promise<void> {
	const { volume, path, entries, storedBytes, manifestSha256 } = result;
	const summary = `${entriesText(entries)}, ${size(storedBytes)}, manifest sha256 ${manifestSha256}\n`;
	await (path === "" ? terminal.err(`${volume}: ${summary}`) : terminal.out(`${path}: ${summary}`));
	for (const removed of result.removed) await terminal.out(`removed ${removed}\n`);
}

export async function tellPaused(
	{ paused, pausedMs }: Omit<BackupMoment, "volumes">,
	terminal: Written,
): Promise<void> {
	if (paused.length > 0) await terminal.err(`paused ${paused.join(", ")} for ${pausedMs} ms\n`);
}

/** At the end, where nobody overlooks it. */
export async function tellFailures(failures: readonly BackupFailure[], all: number, terminal: Written): Promise<void> {
	if (failures.length === 0) return;
	await terminal.err(`wharf: ${failures.length} of ${count(all, "volume")} could not be archived:\n`);
	for (const { volume, message } of failures) await terminal.err(`  ${volume}: ${message}\n`);
}
