/**
 * A manifest as it comes, compared with the lines that were made of the archive before it. Nothing of it is kept but a line that is not
 * whole yet, and what no archive can hold.
 */
import { createHash } from "node:crypto";
import { volumeFaults } from "../faults.ts";
import { lineDifference, type Manifest } from "./manifest.ts";
import { ManifestEnds } from "./manifest-text.ts";

const NEWLINE = 10;
/** Of a line: a foot of format 3 has all that went while the archive was made. */
const LONGEST = 64 * 1024 * 1024;

/** The lines that were made while reading, one behind the other, each with its newline. */
export interface Lines {
	readonly length: number;
	/** From `offset` on, `length` bytes or those that there are. */
	read(offset: number, length: number): Buffer;
}

export class ManifestCheck {
	/** After the first line. */
	#ends: ManifestEnds | undefined;
	readonly #digest = createHash("sha256");
	readonly #lines: Lines;
	/** So much of them was in the manifest. */
	#at = 0;
	#kept: Buffer[] = [];
	#keptBytes = 0;

	constructor(lines: Lines) {
		this.#lines = lines;
	}

	/** Faults: MANIFEST_MISMATCH, with what differs. */
	push(bytes: Buffer): void {
		this.#digest.update(bytes);
		const end = bytes.lastIndexOf(NEWLINE) + 1;
		const whole = end === 0 ? Buffer.alloc(0) : Buffer.concat([...this.#kept, bytes.subarray(0, end)]);
		if (end > 0) this.#kept = [];
		this.#keptBytes = (end > 0 ? 0 : this.#keptBytes) + bytes.length - end;
		if (this.#keptBytes > LONGEST) throw volumeFaults.MANIFEST_MISMATCH({ problem: "one of its lines is endless" });
		if (end < bytes.length) this.#kept.push(Buffer.from(bytes.subarray(end)));
		if (whole.length > 0) this.#take(whole);
	}

	/** After its last byte. Faults: MANIFEST_MISMATCH. */
	end(): Manifest {
		if (this.#ends === undefined || this.#keptBytes > 0)
			throw volumeFaults.MANIFEST_MISMATCH({ problem: "it cannot be read" });
		const { foot } = this.#ends;
		if (foot === undefined) throw this.#mismatch("");
		return { foot, sha256: this.#digest.digest("hex") };
	}

	/** Lines that are whole. */
	#take(bytes: Buffer): void {
		let offset = 0;
		if (this.#ends === undefined) {
			this.#ends = new ManifestEnds(lineAt(bytes, 0));
			offset = bytes.indexOf(NEWLINE) + 1;
		}
		const length = Math.min(bytes.length - offset, this.#lines.length - this.#at);
		const theirs = bytes.subarray(offset, offset + length);
		const own = this.#lines.read(this.#at, length);
		if (!own.equals(theirs)) {
			const start =
				own
					.subarray(
						0,
						own.findIndex((byte, at) => byte !== theirs[at]),
					)
					.lastIndexOf(NEWLINE) + 1;
			this.#at += start;
			throw this.#mismatch(lineAt(bytes, offset + start));
		}
		this.#at += length;
		offset += length;
		// Another line among them is of an entry that the archive has not.
		for (; offset < bytes.length; offset = bytes.indexOf(NEWLINE, offset) + 1) {
			const line = lineAt(bytes, offset);
			if (!this.#ends.take(line)) throw this.#mismatch(line);
		}
	}

	/** At the beginning of a line; `theirs` is what the manifest has there. */
	#mismatch(theirs: string): Error {
		const own = lineAt(this.#lines.read(this.#at, LONGEST_SHOWN), 0);
		return volumeFaults.MANIFEST_MISMATCH({ problem: lineDifference(theirs, own) });
	}
}

/** Of a line that is compared field by field: attributes make them long. */
const LONGEST_SHOWN = 1024 * 1024;

/** Without its newline. */
function lineAt(bytes: Buffer, start: number): string {
	const end = bytes.indexOf(NEWLINE, start);
	return bytes.toString("utf8", start, end < 0 ? bytes.length : end);
}
