/** Of each sparse file of an archive, in their order, a digest by which it can be compared with a file of another form. */
import { blocksDigest, type ContentDigest, hasHoles } from "../archive/content-digest.ts";
import type { Entry } from "../archive/entry.ts";
import type { Target } from "../archive/reading.ts";

export class SparseDigests implements Target {
	readonly all: string[] = [];
	#open: ContentDigest | undefined;

	entry(entry: Entry): void {
		if (hasHoles(entry)) this.#open = blocksDigest(entry);
	}

	/** Fault, here and below: ARCHIVE_CORRUPT. */
	content(bytes: Buffer): void {
		this.#open?.push(bytes);
	}

	entryEnd(): void {
		if (this.#open !== undefined) this.all.push(this.#open.end());
		this.#open = undefined;
	}

	remove(): void {
		// What is left of an archive is seen in its lines.
	}
}
