/** Whether bytes can be a tar archive, by the first of them: what is something else is told to be that, and not to be damaged. */
import { volumeFaults } from "../faults.ts";
import { BLOCK, isHeader, isZeroBlock } from "./header.ts";

interface Format {
	readonly magic: string;
	readonly what: string;
	/** What makes a tar archive of FILE. */
	readonly how: string;
}

const compressed = (program: string, magic: string, decompressor = program): Format => {
	return { magic, what: `it is compressed with ${program}`, how: `${decompressor} -dc FILE` };
};
const packed = (kind: string, magic: string): Format => {
	return { magic, what: `it is a ${kind} archive`, how: "tar -C DIR -c ." };
};

/** A character a byte (`latin1`). */
const FORMATS: readonly Format[] = [
	compressed("xz", "\xfd7zXZ\0"),
	compressed("bzip2", "BZh"),
	compressed("lzip", "LZIP"),
	compressed("lz4", "\x04\x22\x4d\x18"),
	compressed("compress", "\x1f\x9d", "gzip"),
	packed("zip", "PK\x03\x04"),
	packed("zip", "PK\x05\x06"),
	packed("7z", "7z\xbc\xaf\x27\x1c"),
	packed("rar", "Rar!\x1a\x07"),
	packed("cpio", "070701"),
	packed("cpio", "070702"),
	packed("cpio", "070707"),
	packed("cpio", "\xc7\x71"),
];

const MAGIC_AT = 257;
const MAGIC = "ustar";

/** An archive's beginning as it comes. */
export class Recognition {
	readonly #first = Buffer.alloc(BLOCK);
	#length = 0;

	/** Some more of it. Fault, here and below: NOT_A_TAR. */
	take(bytes: Buffer): void {
		if (this.#length === BLOCK) return;
		this.#length += bytes.copy(this.#first, this.#length);
		if (this.#length === BLOCK) refuseOther(this.#first);
	}

	/** There is no more. */
	end(): void {
		if (this.#length < BLOCK) refuseOther(this.#first.subarray(0, this.#length));
	}
}

/** What is an archive that is damaged or cut off is not refused here. */
function refuseOther(first: Buffer): void {
	if (isTar(first)) return;
	const text = first.toString("latin1");
	const format = FORMATS.find(({ magic }) => text.startsWith(magic));
	if (format !== undefined) throw volumeFaults.NOT_A_TAR(format);
	if (!text.includes("\0")) throw volumeFaults.NOT_A_TAR({ what: "it is text or the like", how: "" });
	if (first.length === BLOCK) throw volumeFaults.NOT_A_TAR({ what: "it does not begin as one does", how: "" });
}

/** It is, or it was. */
function isTar(first: Buffer): boolean {
	if (first.length === 0 || first.toString("latin1", MAGIC_AT, MAGIC_AT + MAGIC.length) === MAGIC) return true;
	return first.length === BLOCK && (isZeroBlock(first, 0) || isHeader(first, 0));
}
