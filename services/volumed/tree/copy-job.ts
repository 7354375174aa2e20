/** One tree that is copied to another directory. On the archiver's thread. */
import { closeFile } from "#lib/linux/files/open.ts";
import { storedToBy } from "#lib/linux/mapped-files.ts";
import { TreeCursor } from "./cursor.ts";
import { openDestination } from "./destination.ts";
import type { Order, Tell } from "./messages.ts";
import { ReadOnlyRoot } from "./read-only-root.ts";
import { Room } from "./room.ts";
import { Seen } from "./seen.ts";
import { inSlices } from "./slices.ts";
import { Spool } from "./spool.ts";
import { TreeCopier } from "./tree-copier.ts";
import { Unpacker } from "./unpacker.ts";
import { Warnings } from "./warnings.ts";

const PROGRESS_MS = 100;

interface Target {
	readonly unpacker: Unpacker;
	readonly copier: TreeCopier;
}

export class CopyJob implements Disposable {
	readonly #tell: Tell;
	readonly #opened: DisposableStack;
	readonly #root: ReadOnlyRoot;
	readonly #seen: Seen | undefined;
	readonly #ofReading = new Warnings();
	readonly #ofWriting = new Warnings();
	#target: Target | undefined;
	#toldAt = 0;

	constructor({ path, spool, twice }: Order<"copy">, tell: Tell) {
		this.#tell = tell;
		using opened = new DisposableStack();
		this.#root = opened.use(new ReadOnlyRoot(path));
		if (twice) this.#seen = new Seen(opened.use(new Spool(spool, "latin1")));
		this.#opened = opened.move();
		tell({ kind: "opened" });
	}

	/** The first pass, into an empty directory. */
	async into({ destination }: Order<"into">): Promise<void> {
		const root = this.#opened.adopt(openDestination(destination), closeFile);
		const warn = (_: string, text: string): void => this.#ofWriting.add(text, text);
		// It is of this host, and who asks for it has all rights here.
		const unpacker = this.#opened.use(new Unpacker(root, 0, warn, { holdsBack: false }));
		const copier = new TreeCopier(unpacker, new Room(root, destination.root), this.#ofReading);
		this.#target = { unpacker, copier };
		if (await this.#goThrough(copier.copy(new TreeCursor(this.#root.fd), this.#seen))) this.#tell({ kind: "copied" });
	}

	/** The second pass, over what has changed since. */
	async catchUp({ writers }: Order<"catch-up">): Promise<void> {
		const { copier } = this.#begun;
		const seen = this.#seen;
		if (seen === undefined) throw new Error("a second pass was not announced");
		const walk = (): TreeCursor => new TreeCursor(this.#root.fd, { onlyLooks: true });
		const stored = storedToBy(writers);
		if (await this.#goThrough(copier.copyChanges(walk, seen, stored))) this.#tell({ kind: "caught-up" });
	}

	async finish(): Promise<void> {
		const { unpacker } = this.#begun;
		if (!(await this.#goThrough(unpacker.finish(true)))) return;
		const warnings = [...this.#ofReading.all(), ...this.#ofWriting.all()];
		this.#tell({ kind: "finished", warnings, implied: unpacker.implied() });
	}

	get #begun(): Target {
		if (this.#target === undefined) throw new Error("a copy was gone on with that was not begun");
		return this.#target;
	}

	/** False: nobody waits any more. How far it is, is told now and then, and at the end. */
	async #goThrough(steps: Generator<void>): Promise<boolean> {
		const report = (): void => this.#report();
		const isWhole = await inSlices(steps, report, () => this.#opened.disposed);
		this.#toldAt = 0;
		if (isWhole) this.#report();
		return isWhole;
	}

	#report(): void {
		const now = performance.now();
		if (now - this.#toldAt < PROGRESS_MS) return;
		this.#toldAt = now;
		this.#tell({ kind: "progressed", ...this.#begun.copier.progress });
	}

	[Symbol.dispose](): void {
		this.#opened[Symbol.dispose]();
	}
}
