/** One archive that is read, and made files of where that is wanted. On the archiver's thread. */
import { closeSync, constants, openSync } from "node:fs";
import { EntryPolicy } from "../archive/policy.ts";
import { Reading, type Target } from "../archive/reading.ts";
import { compare } from "./compare.ts";
import type { Order, Tell } from "./messages.ts";
import { Room } from "./room.ts";
import { inSlices } from "./slices.ts";
import { Spool } from "./spool.ts";
import { Unpacker } from "./unpacker.ts";
import { Warnings } from "./warnings.ts";

const NOTHING: Target = {
	entry: () => undefined,
	content: () => undefined,
	entryEnd: () => undefined,
	remove: () => undefined,
};

function within(room: Room, unpacker: Unpacker): Target {
	return {
		entry: (entry) => {
			room.take(entry);
			unpacker.entry(entry);
		},
		content: (bytes) => unpacker.content(bytes),
		entryEnd: () => unpacker.entryEnd(),
		remove: (path) => unpacker.remove(path),
	};
}

export class UnpackJob implements Disposable {
	readonly #tell: Tell;
	readonly #opened: DisposableStack;
	readonly #unpacker: Unpacker | undefined;
	readonly #lines: Spool;
	readonly #reading: Reading;
	readonly #warnings = new Warnings();

	constructor({ path, spool, strip }: Order<"unpack">, tell: Tell) {
		this.#tell = tell;
		using opened = new DisposableStack();
		const lines = opened.use(new Spool(spool));
		this.#lines = lines;
		if (path !== undefined) {
			const root = opened.adopt(openSync(path, constants.O_RDONLY | constants.O_DIRECTORY), closeSync);
			this.#unpacker = opened.use(new Unpacker(root, strip, (_, text) => this.#warnings.add(text, text)));
		}
		const target =
			this.#unpacker === undefined || path === undefined ? NOTHING : within(new Room(path), this.#unpacker);
		this.#reading = new Reading({ policy: new EntryPolicy(strip), lines, target });
		this.#opened = opened.move();
	}

	/** The next part of the archive: whole blocks, but for the last one. */
	buffer({ buffer, length }: Order<"buffer">): void {
		const reading = this.#reading;
		reading.push(Buffer.from(buffer, 0, length));
		this.#tell({ kind: "taken", buffer, entries: reading.entries, bytes: reading.bytes }, [buffer]);
	}

	end(): void {
		const reading = this.#reading;
		reading.end();
		reading.beyond();
		this.#tell({ kind: "ended", entries: reading.entries, bytes: reading.bytes, foot: reading.foot });
	}

	/** After the end. */
	async compare({ path }: Order<"compare">): Promise<void> {
		const archive = { lines: this.#lines, foot: this.#reading.foot };
		const compared = await compare(archive, path, () => this.#opened.disposed);
		if (compared !== undefined) this.#tell({ kind: "compared", ...compared });
	}

	async finish({ privileged }: Order<"finish">): Promise<void> {
		const steps = this.#unpacker?.finish(privileged);
		const isOver = (): boolean => this.#opened.disposed;
		if (steps !== undefined && !(await inSlices(steps, () => undefined, isOver))) return;
		this.#tell({ kind: "finished", warnings: this.#warnings.all(), implied: this.#unpacker?.implied() ?? [] });
	}

	[Symbol.dispose](): void {
		this.#opened[Symbol.dispose]();
	}
}
