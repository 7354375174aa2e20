/**
 * Reads an archive as it streams by: judges its entries, makes the manifest's lines anew, and compares them with the manifest when it comes.
 *
 * A backup has its lines from the same code (`LineMaker`), so what the one wrote down the other finds.
 */
import { volumeFaults } from "../faults.ts";
import { LineMaker } from "./archive-lines.ts";
import { type Entry, shown } from "./entry.ts";
import { type Foot, isManifest, type Manifest } from "./manifest.ts";
import { type Lines, ManifestCheck } from "./manifest-check.ts";
import type { EntryPolicy } from "./policy.ts";
import { promisesManifest } from "./promise.ts";
import { ArchiveReader, type EntrySink } from "./reader.ts";
import { entryOfLine, pathOfText } from "./record.ts";

/** What is made of the entries: nothing, or files. */
export type Target = Omit<EntrySink, "entry" | "global"> & {
	entry(entry: Entry): void;
	/** Of an entry, or of several. */
	remove(path: string): void;
};

export interface LineStore extends Lines {
	add(line: string): void;
	/** What was added can be read. */
	flush(): void;
}

export interface ReadingParts {
	readonly policy: EntryPolicy;
	/** Undefined: another reading of the same archive makes them, and compares. */
	readonly lines: LineStore | undefined;
	readonly target: Target;
	/** Told of each entry that is left out. */
	readonly warn: (text: string) => void;
}

export class Reading {
	entries = 0;
	/** Bytes of the archive before the manifest, as far as they are known. */
	bytes = 0;
	/** Undefined: the archive has none, or it is not this reading that makes lines. */
	manifest: Manifest | undefined;
	readonly #parts: ReadingParts;
	readonly #reader: ArchiveReader;
	readonly #maker: LineMaker | undefined;
	#isPromised = false;
	/** Entries that the policy did not leave out. */
	readonly #kept = { entries: 0, bytes: 0 };
	/** Where the entry begins that is being read; undefined: it is left out. */
	#keptFrom: number | undefined;
	/** The manifest has begun. */
	#isBehind = false;
	#check: ManifestCheck | undefined;

	constructor(parts: ReadingParts) {
		this.#parts = parts;
		if (parts.lines !== undefined) this.#maker = new LineMaker();
		this.#reader = new ArchiveReader({
			global: (records) => {
				if (promisesManifest(records)) this.#isPromised = true;
			},
			entry: (entry, at) => this.#begin(entry, at),
			content: (bytes) => this.#content(bytes),
			entryEnd: () => this.#end(),
		});
	}

	/** The archive, or, when the policy leaves some of it out, the other entries. */
	get kept(): { readonly entries: number; readonly bytes: number } {
		const { entries, bytes } = this;
		return this.#kept.entries === entries ? { entries, bytes } : { ...this.#kept };
	}

	/** Faults: ARCHIVE_CORRUPT, ENTRY_REFUSED, MANIFEST_MISMATCH, and the target's. */
	push(chunk: Buffer): void {
		this.#reader.push(chunk);
		if (!this.#isBehind) this.bytes = this.#reader.bytes;
	}

	/** The stream is over. Fault: ARCHIVE_CORRUPT when the archive is not, or has no entry: nobody makes that, but zeros look like it. */
	end(): void {
		this.#reader.end();
		if (this.#isBehind) return;
		if (this.#isPromised) throw volumeFaults.ARCHIVE_CORRUPT({ problem: "it ends before its manifest" });
		if (this.entries === 0) throw volumeFaults.ARCHIVE_CORRUPT({ problem: "it has not a single entry" });
	}

	/** After the end: what no archive can hold is in the manifest. Faults: ENTRY_REFUSED, MANIFEST_MISMATCH. */
	beyond({ gone, sockets }: Pick<Foot, "gone" | "sockets">): void {
		for (const text of gone) this.#parts.target.remove(goneOf(text));
		for (const line of sockets) {
			const entry = socketOf(line);
			this.#judge(entry);
			this.#parts.target.entry(entry);
		}
	}

	#place(entry: Entry): void {
		const { policy, target, warn } = this.#parts;
		const why = policy.omission(entry);
		if (why === undefined) return target.entry(entry);
		// What was there before it is not there any more.
		target.remove(entry.path);
		warn(`${shown(entry.path)} was left out: ${why}`);
	}

	#judge(entry: Entry): void {
		const refusal = this.#parts.policy.refusal(entry);
		if (refusal !== undefined) throw volumeFaults.ENTRY_REFUSED({ entry: shown(entry.path), why: refusal });
	}

	#begin(entry: Entry, at: number): void {
		if (this.#isBehind) {
			throw volumeFaults.MANIFEST_MISMATCH({ problem: `${shown(entry.path)} comes after the manifest` });
		}
		if (isManifest(entry)) {
			this.bytes = at;
			this.#isBehind = true;
			const { lines } = this.#parts;
			lines?.flush();
			if (lines !== undefined) this.#check = new ManifestCheck(lines);
			return;
		}
		const { policy } = this.#parts;
		const before = policy.kept;
		this.#judge(entry);
		this.entries += 1;
		this.#keptFrom = policy.kept > before ? at : undefined;
		this.#maker?.begin(entry);
		this.#place(entry);
	}

	#content(bytes: Buffer): void {
		if (this.#isBehind) return this.#check?.push(bytes);
		this.#maker?.content(bytes);
		this.#parts.target.content(bytes);
	}

	#end(): void {
		if (this.#isBehind) {
			this.manifest ??= this.#check?.end();
			return;
		}
		this.#parts.target.entryEnd();
		if (this.#keptFrom !== undefined) {
			this.#kept.entries += 1;
			this.#kept.bytes += this.#reader.bytes - this.#keptFrom;
		}
		if (this.#maker !== undefined) this.#parts.lines?.add(this.#maker.end());
	}
}

function goneOf(text: string): string {
	let path: string;
	try {
		path = pathOfText(text);
	} catch (error) {
		throw volumeFaults.MANIFEST_MISMATCH({ problem: "it has a name that cannot be read" }, { cause: error });
	}
	if (!path.startsWith("/") && !path.split("/").includes("..")) return path;
	throw volumeFaults.MANIFEST_MISMATCH({ problem: `it has the name ${shown(path)}` });
}

function socketOf(line: string): Entry {
	try {
		const entry = entryOfLine(line);
		if (entry.type === "socket") return entry;
	} catch (error) {
		throw volumeFaults.MANIFEST_MISMATCH({ problem: "it has a socket that cannot be read" }, { cause: error });
	}
	throw volumeFaults.MANIFEST_MISMATCH({ problem: "it has a socket that is none" });
}
