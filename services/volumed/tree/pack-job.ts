/** One tree that is packed: fills buffers as they come. On the archiver's thread. */
import { storedToBy } from "#lib/linux/mapped-files.ts";
import { archiveBeginning } from "../archive/promise.ts";
import { pathText } from "../archive/record.ts";
import { PathPatterns, type PathPatternTexts } from "../path-patterns.ts";
import { TargetFile } from "./archive-target.ts";
import { Chunks, type Pause } from "./chunks.ts";
import { type CursorOptions, TreeCursor, type Wanted } from "./cursor.ts";
import type { Order, Tell } from "./messages.ts";
import { Packer } from "./packer.ts";
import { ReadOnlyRoot } from "./read-only-root.ts";
import { Seen } from "./seen.ts";
import { type Full, Sheet, sheetBytes } from "./sheet.ts";
import { inSlices } from "./slices.ts";
import { Spool } from "./spool.ts";
import { Warnings } from "./warnings.ts";

export class PackJob implements Disposable {
	readonly #tell: Tell;
	readonly #opened: DisposableStack;
	readonly #root: ReadOnlyRoot;
	readonly #chosen: CursorOptions;
	readonly #folder: string;
	readonly #seen: Seen | undefined;
	/** What has changed since the first pass: it is not to be waited for by those who stand still for it. */
	#changes: Spool | undefined;
	readonly #packer: Packer;
	readonly #warnings = new Warnings();
	readonly #sockets = new Map<string, string>();
	readonly #gone: string[] = [];
	readonly #sheet = new Sheet();
	readonly #chunks: Chunks<void>;

	constructor({ path, patterns, spool, twice, into, without }: Order<"pack">, tell: Tell) {
		this.#tell = tell;
		this.#folder = spool;
		using opened = new DisposableStack();
		const target = into && opened.use(new TargetFile(into));
		this.#root = opened.use(new ReadOnlyRoot(path));
		this.#chosen = { wanted: wantedBy(patterns), without };
		if (twice) this.#seen = new Seen(opened.use(new Spool(spool, "latin1")));
		this.#packer = new Packer(this.#sheet, {
			socket: (at, line) => void this.#sockets.set(at, line),
			warning: (at, text) => this.#warnings.add(at, text),
			again: (at) => this.#forget(at),
			gone: (at) => {
				this.#forget(at);
				this.#gone.push(at);
			},
		});
		this.#chunks = opened.use(
			new Chunks(
				this.#sheet,
				this.#all(),
				(buffer, length) => {
					target?.write(Buffer.from(buffer, 0, length));
					tell({ kind: "chunk", buffer, length, entries: this.#packer.entries }, [buffer]);
				},
				() => this.#tellPacked(),
			),
		);
		this.#opened = opened.move();
	}

	/** An empty one, to be filled. */
	buffer({ buffer }: Order<"buffer">): void {
		this.#chunks.add(buffer);
	}

	/** Looks what has changed since, and tells when that is done; the archive goes on with it afterwards. */
	async catchUp({ writers }: Order<"catch-up">): Promise<void> {
		const seen = this.#seen;
		if (seen === undefined) throw new Error("a second pass was not announced");
		const changes = this.#opened.use(new Spool(this.#folder));
		const sheet = this.#sheet;
		sheet.turn(sheetBytes());
		const take = (): void => changes.write(sheet.take());
		const walk = (): TreeCursor => new TreeCursor(this.#root.fd, { ...this.#chosen, onlyLooks: true });
		const packing = this.#packer.packChanges(walk, seen, storedToBy(writers));
		if (!(await inSlices(packing, take, () => this.#opened.disposed))) return;
		take();
		this.#changes = changes;
		this.#tell({ kind: "caught-up" });
		this.#chunks.resume();
	}

	*#all(): Generator<Full | Pause, void> {
		yield* this.#sheet.put(archiveBeginning());
		yield* this.#packer.pack(new TreeCursor(this.#root.fd, this.#chosen), this.#seen);
		if (this.#seen === undefined) return;
		yield "pause";
		if (this.#changes === undefined) throw new Error("a second pass was left out");
		yield* this.#changes.to(this.#sheet);
	}

	#tellPacked(): void {
		// What is in a directory comes before it.
		const gone = this.#gone.toReversed().map((path) => pathText(`./${path}`));
		const told = { sockets: [...this.#sockets.values()], gone, warnings: this.#warnings.all() };
		this.#tell({ kind: "packed", told });
	}

	#forget(path: string): void {
		this.#sockets.delete(path);
		this.#warnings.forget(path);
	}

	[Symbol.dispose](): void {
		this.#opened[Symbol.dispose]();
	}
}

/** Undefined: everything is. */
function wantedBy(texts: PathPatternTexts): Wanted | undefined {
	if (texts.include.length === 0 && texts.exclude.length === 0) return undefined;
	const patterns = PathPatterns.parse(texts);
	return (path, isDirectory) => patterns.verdict(path, isDirectory) !== "leave";
}
