/** Digests of a file's content as whoever reads the file has it, wherever the archive says that there are holes. */
import { createHash } from "node:crypto";
import type { Entry } from "./entry.ts";
import { SparseContent } from "./sparse.ts";

/** Takes the content as the archive has it. Fault: ARCHIVE_CORRUPT when that is no sparse file. */
export interface ContentDigest {
	push(bytes: Buffer): void;
	/** After all of it; hexadecimal. */
	end(): string;
}

type Write = (bytes: Buffer, offset: number) => void;

const BLOCK_BYTES = 4096;
const NUMBER_BYTES = 8;
const ZEROS = Buffer.alloc(BLOCK_BYTES);

/** Its content has a form of the archive's, of which it has several for one file. */
export function hasHoles({ type, sparse }: Entry): boolean {
	return type === "file" && sparse;
}

/** SHA-256 of all blocks that are not zero, each behind its number: holes take no time, however large they are. */
export function blocksDigest(entry: Entry): ContentDigest {
	const digest = createHash("sha256");
	const numbered = Buffer.alloc(NUMBER_BYTES + BLOCK_BYTES);
	const block = numbered.subarray(NUMBER_BYTES);
	let number = 0;
	const finish = (): void => {
		if (block.equals(ZEROS)) return;
		digest.update(numbered);
		block.fill(0);
	};
	const content = placed(entry, (bytes, offset) => {
		for (let at = 0; at < bytes.length; ) {
			const within = (offset + at) % BLOCK_BYTES;
			const next = (offset + at - within) / BLOCK_BYTES;
			if (next !== number) {
				finish();
				number = next;
				numbered.writeDoubleLE(number);
			}
			at += bytes.copy(block, within, at);
		}
	});
	return {
		push: (bytes) => content.push(bytes),
		end: () => {
			content.end();
			finish();
			return digest.digest("hex");
		},
	};
}

/** SHA-256 of all bytes, holes as the zeros that are read of them. */
export function bytesDigest(entry: Entry): ContentDigest {
	const digest = createHash("sha256");
	let end = 0;
	const zerosTo = (offset: number): void => {
		for (; end < offset; end += ZEROS.length) digest.update(ZEROS.subarray(0, offset - end));
		end = offset;
	};
	const content = placed(entry, (bytes, offset) => {
		zerosTo(offset);
		digest.update(bytes);
		end += bytes.length;
	});
	return {
		push: (bytes) => content.push(bytes),
		end: () => {
			content.end();
			zerosTo(entry.size);
			return digest.digest("hex");
		},
	};
}

/** Content with where it belongs. */
function placed(entry: Entry, write: Write): Pick<SparseContent, "push" | "end"> {
	if (hasHoles(entry)) return new SparseContent(entry, write);
	let offset = 0;
	const push = (bytes: Buffer): void => {
		write(bytes, offset);
		offset += bytes.length;
	};
	return { push, end: () => undefined };
}
