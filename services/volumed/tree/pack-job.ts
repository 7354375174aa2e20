/** One tree that is packed: fills buffers as they come, then writes the manifest. On the archiver's thread. */
import { createHash, type Hash } from "node:crypto";
import { archiveEnd, type Manifest, manifestHeader, manifestText } from "../archive/manifest.ts";
import { pathText } from "../archive/record.ts";
import { PathPatterns, type PathPatternTexts } from "../path-patterns.ts";
import { TreeCursor, type Wanted } from "./cursor.ts";
import { giveBack } from "./given-back.ts";
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
	readonly #wanted: Wanted | undefined;
	readonly #folder: string;
	readonly #lines: Spool;
	readonly #seen: Seen | undefined;
	/** What has changed since the first pass: it is not to be waited for by those who stand still for it. */
	#changes: Spool | undefined;
	readonly #packer: Packer;
	readonly #warnings = new Warnings();
	readonly #sockets = new Map<string, string>();
	readonly #gone: string[] = [];
	readonly #sheet = new Sheet();
	readonly #free: Buffer[] = [];
	readonly #run: Generator<Full | "packed", Manifest>;
	#waits = false;
	#seal: Order<"seal"> | undefined;

	constructor({ path, patterns, spool, twice }: Order<"pack">, tell: Tell) {
		this.#tell = tell;
		this.#folder = spool;
		using opened = new DisposableStack();
		this.#root = opened.use(new ReadOnlyRoot(path));
		this.#wanted = wantedBy(patterns);
		this.#lines = opened.use(new Spool(spool));
		if (twice) this.#seen = new Seen(opened.use(new Spool(spool, "latin1")));
		this.#packer = new Packer(this.#sheet, {
			line: (line) => this.#lines.add(line),
			socket: (at, line) => void this.#sockets.set(at, line),
			warning: (at, text) => this.#warnings.add(at, text),
			again: (at) => this.#forget(at),
			gone: (at) => {
				this.#forget(at);
				this.#gone.push(at);
			},
		});
		this.#run = this.#all();
		this.#opened = opened.move();
	}

	/** An empty one, to be filled. */
	buffer({ buffer }: Order<"buffer">): void {
		this.#free.push(Buffer.from(buffer));
		this.#advance();
	}

	/** Looks what has changed since, and tells when that is done; the archive goes on with it afterwards. */
	async catchUp(): Promise<void> {
		const seen = this.#seen;
		if (seen === undefined) throw new Error("a second pass was not announced");
		const changes = this.#opened.use(new Spool(this.#folder));
		const sheet = this.#sheet;
		sheet.turn(sheetBytes());
		const take = (): void => changes.write(sheet.take());
		const cursor = new TreeCursor(this.#root.fd, { wanted: this.#wanted, onlyLooks: true });
		if (!(await inSlices(this.#packer.packChanges(cursor, seen), take, () => this.#opened.disposed))) return;
		take();
		this.#changes = changes;
		this.#tell({ kind: "caught-up" });
		this.#waits = false;
		this.#advance();
	}

	seal(order: Order<"seal">): void {
		this.#seal = order;
		this.#waits = false;
		this.#advance();
	}

	/** As far as it can: it waits for buffers, and after each pass for what comes next. */
	#advance(): void {
		while (!this.#waits) {
			const bytes = this.#free.shift();
			if (bytes === undefined) return;
			this.#sheet.turn(bytes);
			const step = this.#run.next();
			this.#send();
			this.#waits = step.done === true || step.value === "packed";
			if (step.done === true) this.#tell({ kind: "sealed", manifest: step.value });
			else if (step.value === "packed") this.#tell({ kind: "packed" });
		}
	}

	#send(): void {
		const { bytes, at } = this.#sheet;
		const buffer = bytes.buffer as ArrayBuffer; // as it came
		this.#tell({ kind: "chunk", buffer, length: at, entries: this.#packer.entries }, [buffer]);
	}

	*#all(): Generator<Full | "packed", Manifest> {
		yield* this.#packer.pack(new TreeCursor(this.#root.fd, { wanted: this.#wanted }), this.#seen);
		yield "packed";
		if (this.#changes !== undefined) {
			yield* this.#from(this.#changes);
			yield "packed";
		}
		const seal = this.#seal;
		if (seal === undefined) throw new Error("a manifest was begun that nobody asked for");
		const { volume, createdAt, bytes } = seal;
		// What is in a directory comes before it.
		const gone = this.#gone.reverse().map((path) => pathText(`./${path}`));
		const told = { sockets: [...this.#sockets.values()], gone, warnings: this.#warnings.all() };
		const foot = { entries: this.#packer.entries, bytes, ...told };
		const text = manifestText(volume, createdAt, foot);
		this.#lines.flush();
		const size = text.head.length + this.#lines.length + text.foot.length;
		const sheet = this.#sheet;
		yield* sheet.put(manifestHeader(size, createdAt));
		const digest = createHash("sha256").update(text.head);
		yield* sheet.put(text.head);
		yield* this.#from(this.#lines, digest);
		yield* sheet.put(text.foot);
		yield* sheet.put(archiveEnd(bytes, size));
		return { foot, sha256: digest.update(text.foot).digest("hex") };
	}

	#from(spool: Spool, digest?: Hash): Generator<Full> {
		const sheet = this.#sheet;
		return sheet.fill(spool.length, (room, done) => {
			const read = spool.readInto(sheet.bytes.subarray(sheet.at, sheet.at + room), done);
			digest?.update(sheet.bytes.subarray(sheet.at, sheet.at + read));
			return read;
		});
	}

	#forget(path: string): void {
		this.#sockets.delete(path);
		this.#warnings.forget(path);
	}

	[Symbol.dispose](): void {
		giveBack(this.#free.splice(0));
		this.#run.return(undefined as never); // closes what the tree's walk has open
		this.#opened[Symbol.dispose]();
	}
}

/** Undefined: everything is. */
function wantedBy(texts: PathPatternTexts): Wanted | undefined {
	if (texts.include.length === 0 && texts.exclude.length === 0) return undefined;
	const patterns = PathPatterns.parse(texts);
	return (path, isDirectory) => patterns.verdict(path, isDirectory) !== "leave";
}
