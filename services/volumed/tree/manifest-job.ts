/**
 * The manifest of an archive, made of the archive: it is read as it is packed, so that what the manifest says is what a reader found. On a
 * thread beside the packer's.
 */
import { createHash } from "node:crypto";
import { ArchiveLines } from "../archive/archive-lines.ts";
import { archiveEnd, type Manifest, manifestHeader } from "../archive/manifest.ts";
import { manifestText } from "../archive/manifest-text.ts";
import { Chunks, type Pause } from "./chunks.ts";
import type { Order, Tell } from "./messages.ts";
import { type Full, Sheet } from "./sheet.ts";
import { Spool } from "./spool.ts";

export class ManifestJob implements Disposable {
	readonly #tell: Tell;
	readonly #lines: Spool;
	readonly #archive: ArchiveLines;
	#chunks: Chunks<Manifest> | undefined;

	constructor({ spool }: Order<"manifest">, tell: Tell) {
		this.#tell = tell;
		const lines = new Spool(spool);
		this.#lines = lines;
		this.#archive = new ArchiveLines((line) => lines.add(line));
	}

	/** The next part of the archive; after `seal` an empty one, for what follows. */
	buffer({ buffer, length }: Order<"buffer">): void {
		if (this.#chunks !== undefined) return this.#chunks.add(buffer);
		this.#archive.push(Buffer.from(buffer, 0, length));
		const { entries, bytes } = this.#archive;
		this.#tell({ kind: "taken", buffer, entries, bytes }, [buffer]);
	}

	/** The tree is packed: its manifest, and the archive's end. */
	seal(order: Order<"seal">): void {
		this.#archive.end();
		const sheet = new Sheet();
		const { entries } = this.#archive;
		this.#chunks = new Chunks(
			sheet,
			this.#all(order, sheet),
			(buffer, length) => this.#tell({ kind: "chunk", buffer, length, entries }, [buffer]),
			(manifest) => manifest && this.#tell({ kind: "sealed", manifest }),
		);
	}

	*#all({ volume, createdAt, told }: Order<"seal">, sheet: Sheet): Generator<Full | Pause, Manifest> {
		const { entries, bytes } = this.#archive;
		const foot = { entries, bytes, ...told };
		const text = manifestText(volume, createdAt, foot, (line) => this.#lines.add(line));
		this.#lines.flush();
		const size = text.head.length + this.#lines.length + text.foot.length;
		yield* sheet.put(manifestHeader(size, createdAt));
		const digest = createHash("sha256").update(text.head);
		yield* sheet.put(text.head);
		yield* this.#lines.to(sheet, (part) => digest.update(part));
		yield* sheet.put(text.foot);
		yield* sheet.put(archiveEnd(bytes, size));
		return { foot, sha256: digest.update(text.foot).digest("hex") };
	}

	[Symbol.dispose](): void {
		this.#chunks?.[Symbol.dispose]();
		this.#lines[Symbol.dispose]();
	}
}
