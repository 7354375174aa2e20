/** An archive's entries when nothing is made of them: what would be kept back of them is told. */
import type { Entry } from "../archive/entry.ts";
import { type Dropped, placeOf } from "../archive/place.ts";
import type { Target } from "../archive/reading.ts";
import { attributesIn, isPrivileged } from "../archive/attribute-records.ts";
import { Dresser, type Held, SET_ID, type Warn } from "./dresser.ts";

export class Rehearsal implements Target {
	readonly #strip: Dropped;
	readonly #dresser: Dresser;
	readonly #held: Held[] = [];

	constructor(strip: Dropped, warn: Warn) {
		this.#strip = strip;
		this.#dresser = new Dresser(warn, true);
	}

	entry(entry: Entry): void {
		const hasRights = entry.type === "file" && (entry.mode & SET_ID) !== 0;
		if ((!hasRights && entry.attributes.size === 0) || placeOf(entry.path, this.#strip) === undefined) return;
		const attributes = new Map<string, Buffer>();
		for (const [name, value] of attributesIn(entry.attributes))
			if (value !== undefined && isPrivileged(name)) attributes.set(name, value);
		if (hasRights || attributes.size > 0)
			this.#held.push({ entry, mode: hasRights ? entry.mode : undefined, attributes });
	}

	content(): void {
		// Nothing is written.
	}

	entryEnd(): void {
		// Nothing is open.
	}

	remove(): void {
		// Nothing was made.
	}

	/** As an unpacker's. */
	*finish(privileged: boolean): Generator<void> {
		for (const held of privileged ? [] : this.#held) {
			this.#dresser.tell(held);
			yield;
		}
	}
}
