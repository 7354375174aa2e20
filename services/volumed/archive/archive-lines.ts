/** The lines of an archive's entries, made of the archive itself as it streams by: what its manifest has. */
import { createHash, hash, type Hash } from "node:crypto";
import type { ContentDigest } from "./content-digest.ts";
import type { Entry } from "./entry.ts";
import { ArchiveReader } from "./reader.ts";
import { recordLine } from "./record.ts";

/** Undefined: its content is digested as the archive has it. */
export type Digests = (entry: Entry) => ContentDigest | undefined;

/** The line of one entry after the other. */
export class LineMaker {
	readonly #digests: Digests | undefined;
	#other: ContentDigest | undefined;
	#entry: Entry | undefined;
	#digest: Hash | undefined;
	#sha256: string | undefined;

	/** For a manifest none is digested otherwise. */
	constructor(digests?: Digests) {
		this.#digests = digests;
	}

	begin(entry: Entry): void {
		this.#entry = entry;
		this.#other = this.#digests?.(entry);
		this.#sha256 = this.#digest = undefined;
	}

	/** Some more of its content. */
	content(bytes: Buffer): void {
		if (this.#other !== undefined) return this.#other.push(bytes);
		// Most files come in one piece, and this is three times as quick as a Hash object.
		if (bytes.length === this.#entry?.storedSize) this.#sha256 = hash("sha256", bytes, "hex");
		else {
			this.#digest ??= createHash("sha256");
			this.#digest.update(bytes);
		}
	}

	/** After all of it. */
	end(): string {
		if (this.#entry === undefined) throw new Error("a line of no entry was asked for");
		return recordLine(this.#entry, this.#other?.end() ?? this.#sha256 ?? this.#digest?.digest("hex"));
	}
}

/** Of what was packed here: nothing of it is refused that a restore may refuse. */
export class ArchiveLines {
	entries = 0;
	readonly #reader: ArchiveReader;

	constructor(add: (line: string) => void, digests?: Digests) {
		const maker = new LineMaker(digests);
		const sink = {
			entry: (entry: Entry) => maker.begin(entry),
			content: (bytes: Buffer) => maker.content(bytes),
			entryEnd: () => {
				this.entries += 1;
				add(maker.end());
			},
		};
		this.#reader = new ArchiveReader(sink, { longestPreface: Number.POSITIVE_INFINITY });
	}

	/** So many were pushed. */
	get bytes(): number {
		return this.#reader.bytes;
	}

	push(bytes: Buffer): void {
		this.#reader.push(bytes);
	}

	/** Nothing more comes before the manifest. */
	end(): void {
		if (!this.#reader.isBetweenEntries) throw new Error("what was packed is no archive");
	}
}
