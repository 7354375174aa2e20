/** Whoever reads an archive may have what came last for as long as it says: nobody else writes there meanwhile. */
import { randomFillSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { scratchTrees } from "../test-support/scratch-trees.ts";
import type { Packing } from "./packing.ts";

const scratch = scratchTrees("packing");
const never = new AbortController().signal;

async function* archiveOf(packing: Packing, twice: boolean): AsyncGenerator<Buffer, void> {
	yield* packing.tree();
	if (twice) {
		await packing.catchUp();
		yield* packing.tree();
	}
	yield* packing.manifest("test", new Date(0));
}

test.each([
	["one buffer", 1, false],
	["one buffer, and is gone through twice", 1, true],
	["many buffers", 40, false],
	["many buffers, and is gone through twice", 40, true],
])("of a tree that fills %s", async (_, files, twice) => {
	for (let file = 0; file < files; file++) {
		writeFileSync(join(scratch.folder, `from/f${file}`), randomFillSync(Buffer.alloc(400_000)));
	}
	const patterns = { include: [], exclude: [] };
	await using packing = await scratch.archiver.pack({ path: join(scratch.folder, "from"), patterns, twice }, never);
	let held: { readonly bytes: Buffer; readonly as: Buffer } | undefined;
	const intact: boolean[] = [];
	for await (const bytes of archiveOf(packing, twice)) {
		// Long enough for the threads to do all that they can.
		await new Promise((resolve) => setTimeout(resolve, 20));
		intact.push(held?.bytes.equals(held.as) ?? true);
		held = { bytes, as: Buffer.from(bytes) };
	}
	expect(intact.length).toBeGreaterThanOrEqual(files > 1 ? 16 : 2);
	expect(intact).not.toContain(false);
});
