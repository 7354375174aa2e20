import { expect, test } from "vitest";
import { Expansion } from "./expansion.ts";
import type { StoredArchive } from "./kernel/archive-file.ts";
import { StoredBytes } from "./kernel/compressors.ts";

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;

async function* nothing(): AsyncGenerator<Buffer> {
	// no bytes
}

function archive(more: Omit<StoredArchive, typeof Symbol.asyncIterator> = {}): StoredArchive {
	return Object.assign(nothing(), more);
}

const nobodys = (): boolean => false;
const refused = expect.objectContaining({ reason: "ARCHIVE_EXPANDS" });

test("a GiB may come of anything, and not a byte more of what is too small for it", async () => {
	const expansion = new Expansion(archive({ sizeBytes: 1000 }), new StoredBytes(), nobodys);
	await expansion.take(GIB);
	await expect(expansion.take(1)).rejects.toEqual(refused);
});

test("of a file as much may come as all of it allows, though its beginning would not", async () => {
	const expansion = new Expansion(archive({ sizeBytes: 4 * MIB }), new StoredBytes(), nobodys);
	for (let part = 0; part < 2000; part++) await expansion.take(MIB);
	await expect(expansion.take(1)).rejects.toEqual(refused);
});

test("of a stream as much may come as what has been read of it allows", async () => {
	const stored = new StoredBytes();
	const expansion = new Expansion(archive(), stored, nobodys);
	stored.bytes = 3 * MIB;
	await expansion.take(1500 * MIB);
	await expect(expansion.take(1)).rejects.toEqual(refused);
});

test("more and more may come while more and more is read", async () => {
	const stored = new StoredBytes();
	const expansion = new Expansion(archive(), stored, nobodys);
	for (let part = 0; part < 10; part++) {
		stored.bytes += 4 * MIB;
		await expect(expansion.take(2000 * MIB)).resolves.toBeUndefined();
	}
});

test("one that was made here is known by all of its bytes, once", async () => {
	let read = 0;
	const digest = async (): Promise<string> => {
		read += 1;
		return "own";
	};
	const expansion = new Expansion(archive({ sizeBytes: 10, digest }), new StoredBytes(), (sha256) => sha256 === "own");
	for (let part = 0; part < 5; part++) await expansion.take(GIB);
	expect(read).toBe(1);
	const other = new Expansion(archive({ sizeBytes: 10, digest }), new StoredBytes(), nobodys);
	await expect(other.take(2 * GIB)).rejects.toEqual(refused);
});
