/** The content of a sparse file as archives have it: the parts that are data, one behind the other, and where each belongs. */
import { volumeFaults } from "../faults.ts";
import { type Entry, shown } from "./entry.ts";
import { BLOCK, type Extent } from "./header.ts";

const MOST_EXTENTS = 1_000_000;
/** Of a number in a map. */
const MOST_DIGITS = 16;
const NEWLINE = 10;

export class SparseContent {
	readonly #entry: Entry;
	readonly #write: (bytes: Buffer, offset: number) => void;
	#map: MapText | undefined;
	#extents: readonly Extent[] = [];
	#index = 0;
	/** Within the part that is being written. */
	#done = 0;

	/** `write` is called with data and where it belongs. Fault, here and below: ARCHIVE_CORRUPT. */
	constructor(entry: Entry, write: (bytes: Buffer, offset: number) => void) {
		this.#entry = entry;
		this.#write = write;
		if (entry.map === "content") this.#map = new MapText();
		else this.#take(entry.map ?? [], 0);
	}

	push(bytes: Buffer): void {
		let offset = 0;
		if (this.#map !== undefined) {
			offset = this.#map.push(bytes);
			if (this.#map.extents === undefined) return;
			this.#take(this.#map.extents, this.#map.length);
			this.#map = undefined;
		}
		while (offset < bytes.length) {
			const extent = this.#extents[this.#index];
			if (extent === undefined) throw this.#broken("more content than its map has");
			const taken = Math.min(extent.length - this.#done, bytes.length - offset);
			if (taken > 0) this.#write(bytes.subarray(offset, offset + taken), extent.start + this.#done);
			offset += taken;
			this.#done += taken;
			if (this.#done < extent.length) return;
			this.#index += 1;
			this.#done = 0;
		}
	}

	/** After all of it. Fault: ARCHIVE_CORRUPT when it ended within its map. */
	end(): void {
		if (this.#map !== undefined) throw this.#broken("a map that does not end");
	}

	#take(extents: readonly Extent[], mapBytes: number): void {
		let end = 0;
		let data = mapBytes;
		for (const { start, length } of extents) {
			if (start < end || start + length > this.#entry.size) throw this.#broken("a map whose parts do not lie in it");
			end = start + length;
			data += length;
		}
		if (data !== this.#entry.storedSize) throw this.#broken(`a map of ${data} bytes`);
		this.#extents = extents;
	}

	#broken(what: string): Error {
		const { path, storedSize } = this.#entry;
		return volumeFaults.ARCHIVE_CORRUPT({
			problem: `the sparse file ${shown(path)} of ${storedSize} bytes has ${what}`,
		});
	}
}

/** GNU's format 1.0: how many, then where and how long each is, a number a line, filled up to a block. */
class MapText {
	extents: Extent[] | undefined;
	length = 0;
	readonly #numbers: number[] = [];
	#digits = "";

	/** Answers how many of the bytes belonged to the map. */
	push(bytes: Buffer): number {
		let offset = 0;
		for (; offset < bytes.length && !this.#isWhole(); offset++) this.#byte(bytes[offset] ?? 0);
		const filling = Math.min(-(this.length + offset) & (BLOCK - 1), bytes.length - offset);
		this.length += offset;
		if (!this.#isWhole()) return offset;
		this.length += filling;
		if (this.length % BLOCK === 0) {
			const [, ...numbers] = this.#numbers;
			this.extents = numbers.flatMap((start, index) =>
				index % 2 === 0 ? [{ start, length: numbers[index + 1] ?? 0 }] : [],
			);
		}
		return offset + filling;
	}

	#isWhole(): boolean {
		const [count] = this.#numbers;
		return count !== undefined && this.#numbers.length === 1 + 2 * count;
	}

	#byte(byte: number): void {
		if (byte === NEWLINE && this.#digits !== "") {
			this.#numbers.push(Number(this.#digits));
			this.#digits = "";
			if ((this.#numbers[0] ?? 0) > MOST_EXTENTS) throw noMap();
			return;
		}
		if (byte < 48 || byte > 57 || this.#digits.length >= MOST_DIGITS) throw noMap();
		this.#digits += String.fromCharCode(byte);
	}
}

function noMap(): Error {
	return volumeFaults.ARCHIVE_CORRUPT({ problem: "the map of a sparse file cannot be read" });
}
