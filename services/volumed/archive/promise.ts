/**
 * What an archive of ours begins with: a header that promises the manifest at its end.
 *
 * Zeros end an archive, so one whose last blocks never reached the disk looks like a whole one of somebody else's. Other programs know such
 * headers (git's archives have one) and pass over its comment.
 */
import type { PaxRecords } from "./pax.ts";
import { globalHeader } from "./written.ts";

const KEY = "comment";
const TEXT = "wharf: it ends with .wharf/manifest.jsonl";

export function archiveBeginning(): Buffer {
	return globalHeader(KEY, TEXT);
}

/** `records` hold for all entries. */
export function promisesManifest(records: PaxRecords): boolean {
	return records.get(KEY) === TEXT;
}
