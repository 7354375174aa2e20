/** One archive that is read, and made files of where that is wanted. On the archiver's thread. */
import { closeSync, constants, openSync } from "node:fs";
import { shown } from "../archive/entry.ts";
import { type Dropped, placeOf } from "../archive/place.ts";
import { EntryPolicy } from "../archive/policy.ts";
import { Reading, type Target } from "../archive/reading.ts";
import { volumeFaults } from "../faults.ts";
import { compare } from "./compare.ts";
import type { Warn } from "./dresser.ts";
import type { Order, Tell } from "./messages.ts";
import { Rehearsal } from "./rehearsal.ts";
import { Room } from "./room.ts";
import { inSlices } from "./slices.ts";
import { Spool } from "./spool.ts";
import { Unpacker } from "./unpacker.ts";
import { Warnings } from "./warnings.ts";

function within(room: Room, unpacker: Unpacker, strip: Dropped): Target {
	return {
		entry: (entry) => {
			if (placeOf(entry.path, strip) !== undefined) room.take(entry);
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
	readonly #rehearsal: Rehearsal;
	readonly #policy: EntryPolicy;
	readonly #strip: Dropped;
	readonly #lines: Spool;
	readonly #reading: Reading;
	readonly #warnings = new Warnings();

	constructor({ path, spool, strip }: Order<"unpack">, tell: Tell) {
		this.#tell = tell;
		using opened = new DisposableStack();
		const lines = opened.use(new Spool(spool));
		const warn: Warn = (_, text) => this.#warnings.add(text, text);
		this.#lines = lines;
		if (path !== undefined) {
			const root = opened.adopt(openSync(path, constants.O_RDONLY | constants.O_DIRECTORY), closeSync);
			this.#unpacker = opened.use(new Unpacker(root, strip, warn));
		}
		this.#rehearsal = new Rehearsal(strip, warn);
		const target =
			this.#unpacker === undefined || path === undefined
				? this.#rehearsal
				: within(new Room(path), this.#unpacker, strip);
		this.#strip = strip;
		this.#policy = new EntryPolicy(strip);
		this.#reading = new Reading({ policy: this.#policy, lines, target });
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
		const strip = this.#strip;
		if (typeof strip === "string" && !this.#policy.hasPlaced)
			throw volumeFaults.SUBPATH_MISSING({ subpath: shown(strip) });
		this.#tell({ kind: "ended", entries: reading.entries, bytes: reading.bytes, manifest: reading.manifest });
	}

	/** After the end. */
	async compare({ path, merged }: Order<"compare">): Promise<void> {
		const archive = { lines: this.#lines, foot: this.#reading.manifest?.foot, dropped: this.#strip, merged };
		const compared = await compare(archive, path, () => this.#opened.disposed);
		if (compared !== undefined) this.#tell({ kind: "compared", ...compared });
	}

	async finish({ privileged }: Order<"finish">): Promise<void> {
		const steps = (this.#unpacker ?? this.#rehearsal).finish(privileged);
		const isOver = (): boolean => this.#opened.disposed;
		if (!(await inSlices(steps, () => undefined, isOver))) return;
		this.#tell({ kind: "finished", warnings: this.#warnings.all(), implied: this.#unpacker?.implied() ?? [] });
	}

	[Symbol.dispose](): void {
		this.#opened[Symbol.dispose]();
	}
}
