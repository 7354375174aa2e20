/** Trees to archives and back, by the archiver's own thread. */
import type { Foot } from "../archive/manifest.ts";
import type { Archiver, Read } from "../kernel/archiver.ts";

const never = new AbortController().signal;

export interface PackedTree {
	readonly bytes: Buffer;
	readonly foot: Foot;
}

/** With `meanwhile` it is gone through twice, and that is done between the passes. */
export async function packTree(archiver: Archiver, path: string, meanwhile?: () => void): Promise<PackedTree> {
	const spec = { path, patterns: { include: [], exclude: [] }, twice: meanwhile !== undefined };
	await using packing = await archiver.pack(spec, never);
	const parts: Buffer[] = [];
	for await (const bytes of packing.tree()) parts.push(Buffer.from(bytes));
	if (meanwhile !== undefined) {
		meanwhile();
		await packing.catchUp([]);
		for await (const bytes of packing.tree()) parts.push(Buffer.from(bytes));
	}
	const manifest = packing.manifest("test", new Date(0));
	for (;;) {
		const next = await manifest.next();
		if (next.done === true) return { bytes: Buffer.concat(parts), foot: next.value.foot };
		parts.push(Buffer.from(next.value));
	}
}

export interface UnpackedTree extends Read {
	readonly warnings: readonly string[];
}

/** Into an empty directory. With rights, as an archive that was made here, unless told otherwise. */
export async function unpackTree(
	archiver: Archiver,
	bytes: Buffer,
	path: string,
	{ strip = 0, privileged = true } = {},
): Promise<UnpackedTree> {
	await using unpacking = await archiver.unpack({ root: path, within: "" }, strip, never);
	await unpacking.push(bytes);
	const read = await unpacking.end();
	return { ...read, ...(await unpacking.finish(privileged)) };
}
