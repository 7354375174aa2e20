/**
 * Reads an archive as it streams by: counts, digests, the manifest's lines, and the manifest itself when it comes.
 *
 * A backup and a restore read with the same code, so what the one wrote down the other finds.
 */
import { createHash, hash, type Hash } from "node:crypto";
import { volumeFaults } from "../faults.ts";
import { type Entry, shown } from "./entry.ts";
import { type Foot, isManifest, type Manifest, parseManifest } from "./manifest.ts";
import type { EntryPolicy } from "./policy.ts";
import { ArchiveReader } from "./reader.ts";
import { recordLine } from "./record.ts";

/** Nobody has that many entries; a manifest is kept in memory while it is read. */
const LARGEST_MANIFEST = 2 * 1024 * 1024 * 1024;
const LINES_BYTES = 64 * 1024;

export interface TallyOptions {
	readonly policy: EntryPolicy;
	/** What to do with an entry that the policy refuses: nothing more than say so, or end with ENTRY_REFUSED. */
	readonly onRefusal: "warn" | "refuse";
	/** Told what each file needs on the disk; may throw. */
	readonly onFile?: (sizeBytes: number) => void;
}

export class Tally {
	readonly #reader: ArchiveReader;
	readonly #options: TallyOptions;
	readonly #digest = createHash("sha256");
	readonly #lines: Buffer[] = [];
	readonly #warnings: string[] = [];
	#waiting: string[] = [];
	#waitingBytes = 0;
	#entries = 0;
	#bytes = 0;
	#entry: Entry | undefined;
	#contentDigest: Hash | undefined;
	#contentSha256: string | undefined;
	#manifestParts: Buffer[] | undefined;
	#manifest: Manifest | undefined;

	constructor(options: TallyOptions) {
		this.#options = options;
		this.#reader = new ArchiveReader({
			entry: (entry) => this.#begin(entry),
			content: (bytes) => this.#content(bytes),
			entryEnd: () => this.#end(),
		});
	}

	get entries(): number {
		return this.#entries;
	}

	/** Of the archive without its end and its manifest. */
	get bytes(): number {
		return this.#bytes;
	}

	get warnings(): readonly string[] {
		return this.#warnings;
	}

	/** Of the archive that was read, when it had one. */
	get manifest(): Manifest | undefined {
		return this.#manifest;
	}

	/** Gives the bytes that go on: all but the manifest and the archive's end. Faults: ARCHIVE_CORRUPT, ENTRY_REFUSED, MANIFEST_MISMATCH. */
	push(chunk: Buffer): Buffer[] {
		const pieces = this.#reader.push(chunk);
		for (const piece of pieces) {
			this.#bytes += piece.length;
			this.#digest.update(piece);
		}
		return pieces;
	}

	/** The stream is over. Fault: ARCHIVE_CORRUPT when the archive is not. */
	end(): void {
		this.#reader.end();
	}

	/** Lines of the manifest for what was read. */
	lines(): readonly Buffer[] {
		this.#flush();
		return this.#lines;
	}

	/** Once, at the end. */
	foot(): Omit<Foot, "sockets" | "warnings"> {
		return { entries: this.#entries, bytes: this.#bytes, sha256: this.#digest.digest("hex") };
	}

	#begin(entry: Entry): boolean {
		if (this.#manifest !== undefined) {
			throw volumeFaults.MANIFEST_MISMATCH({ problem: `${shown(entry.path)} comes after the manifest` });
		}
		this.#entry = entry;
		if (isManifest(entry)) {
			if (entry.storedSize > LARGEST_MANIFEST) {
				throw volumeFaults.MANIFEST_MISMATCH({ problem: `it has ${entry.storedSize} bytes` });
			}
			this.#manifestParts = [];
			return false;
		}
		const refusal = this.#options.policy.refusal(entry);
		if (refusal !== undefined && this.#options.onRefusal === "refuse") {
			throw volumeFaults.ENTRY_REFUSED({ entry: shown(entry.path), why: refusal });
		}
		if (refusal !== undefined) this.#warnings.push(`${shown(entry.path)} will not be restored: ${refusal}`);
		this.#entries += 1;
		this.#options.onFile?.(entry.storedSize);
		return true;
	}

	#content(bytes: Buffer): void {
		if (this.#manifestParts !== undefined) {
			this.#manifestParts.push(Buffer.from(bytes));
		} else if (bytes.length === this.#entry?.storedSize) {
			// Most files come in one piece, and this is three times as quick as a Hash object.
			this.#contentSha256 = hash("sha256", bytes, "hex");
		} else {
			this.#contentDigest ??= createHash("sha256");
			this.#contentDigest.update(bytes);
		}
	}

	#end(): void {
		const entry = this.#entry;
		if (entry === undefined) return;
		if (this.#manifestParts !== undefined) {
			this.#manifest = parseManifest(Buffer.concat(this.#manifestParts));
			this.#manifestParts = undefined;
			return;
		}
		const line = recordLine(entry, this.#contentSha256 ?? this.#contentDigest?.digest("hex"));
		this.#contentSha256 = this.#contentDigest = undefined;
		this.#waiting.push(line, "\n");
		this.#waitingBytes += line.length;
		if (this.#waitingBytes > LINES_BYTES) this.#flush();
	}

	#flush(): void {
		if (this.#waiting.length > 0) this.#lines.push(Buffer.from(this.#waiting.join("")));
		this.#waiting = [];
		this.#waitingBytes = 0;
	}
}
