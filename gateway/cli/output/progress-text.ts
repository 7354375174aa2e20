/** How far a backup, a restore or a verification is, in one line: what is not known is not said. */
import type { Progress } from "#gen/wharf/volume/v1/volume.ts";
import { duration, size } from "./quantity.ts";

/** Before that, what is left is a guess. */
const JUDGED_AFTER_MS = 2_000;
const JUDGED_FROM = 0.01;

/** `1234 entries, 1.2GB of 3.4GB, 35%, 120MB/s, 20 seconds left`. */
export function progressText(progress: Progress): string {
	const { entries, bytes, totalEntries, totalBytes } = progress;
	const elapsedMs = Number(progress.elapsedMs);
	const share = shareOf(progress);
	// What was counted has grown since.
	const isWithin = bytes <= totalBytes && entries <= totalEntries;
	const judged = elapsedMs >= JUDGED_AFTER_MS;
	const parts = [
		`${entries}${isWithin ? ` of ${totalEntries}` : ""} entries`,
		`${size(bytes)}${isWithin ? ` of ${size(totalBytes)}` : ""}`,
		...(share === undefined ? [] : [`${Math.floor(share * 100)}%`]),
		...(judged ? [`${size(Math.round(Number(bytes) / (elapsedMs / 1000)))}/s`] : []),
		...(judged && share !== undefined && share >= JUDGED_FROM ? [left(elapsedMs, share)] : []),
	];
	return parts.join(", ");
}

/** Undefined: not known. */
function shareOf({ bytes, totalBytes, storedBytes, totalStoredBytes }: Progress): number | undefined {
	if (totalStoredBytes > 0n && storedBytes <= totalStoredBytes) return Number(storedBytes) / Number(totalStoredBytes);
	if (totalBytes > 0n && bytes <= totalBytes) return Number(bytes) / Number(totalBytes);
	return undefined;
}

function left(elapsedMs: number, share: number): string {
	return `${duration((elapsedMs * (1 - share)) / share).toLowerCase()} left`;
}
