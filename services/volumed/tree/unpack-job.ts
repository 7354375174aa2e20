/** One archive that files are made of. Somebody else compares it with its manifest. On the archiver's thread. */
import { closeFile } from "#lib/linux/files/open.ts";
import { EntryPolicy } from "../archive/policy.ts";
import { type Dropped, placeOf } from "../archive/place.ts";
import { Reading, type Target } from "../archive/reading.ts";
import { openDestination } from "./destination.ts";
import type { Order, Tell } from "./messages.ts";
import { Room } from "./room.ts";
import { inSlices } from "./slices.ts";
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
	readonly #unpacker: Unpacker;
	readonly #policy: EntryPolicy;
	readonly #reading: Reading;
	readonly #warnings = new Warnings();

	constructor({ destination, strip }: Order<"unpack">, tell: Tell) {
		this.#tell = tell;
		using opened = new DisposableStack();
		const root = opened.adopt(openDestination(destination), closeFile);
		this.#unpacker = opened.use(new Unpacker(root, strip, (_, text) => this.#warnings.add(text, text)));
		this.#policy = new EntryPolicy(strip);
		const target = within(new Room(root, destination.root), this.#unpacker, strip);
		const warn = (text: string): void => this.#warnings.add(text, text);
		this.#reading = new Reading({ policy: this.#policy, lines: undefined, target, warn });
		this.#opened = opened.move();
	}

	/** The next part of the archive. */
	buffer({ buffer, length }: Order<"buffer">): void {
		const reading = this.#reading;
		reading.push(Buffer.from(buffer, 0, length));
		this.#tell({ kind: "taken", buffer, entries: reading.entries, bytes: reading.bytes }, [buffer]);
	}

	end({ told }: Order<"end">): void {
		const reading = this.#reading;
		reading.end();
		if (told !== undefined) reading.beyond(told);
		this.#policy.end();
		const { entries, bytes, kept, manifest } = reading;
		this.#tell({ kind: "ended", entries, bytes, kept, manifest });
	}

	async finish({ privileged }: Order<"finish">): Promise<void> {
		const steps = this.#unpacker.finish(privileged);
		if (
			!(await inSlices(
				steps,
				() => undefined,
				() => this.#opened.disposed,
			))
		)
			return;
		this.#tell({ kind: "finished", warnings: this.#warnings.all(), implied: this.#unpacker.implied() });
	}

	[Symbol.dispose](): void {
		this.#opened[Symbol.dispose]();
	}
}
