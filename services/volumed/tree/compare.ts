/** An archive that was read, by its lines, against a volume, which is read now: what is different, both ways. On the archiver's thread. */
import { ArchiveLines } from "../archive/archive-lines.ts";
import { blocksDigest, bytesDigest, hasHoles } from "../archive/content-digest.ts";
import { type ContentOf, type Difference, TreeLines } from "../archive/differences.ts";
import { type Entry, shown } from "../archive/entry.ts";
import type { Foot } from "../archive/manifest.ts";
import type { Dropped } from "../archive/place.ts";
import { pathOfText } from "../archive/record.ts";
import { volumeFaults } from "../faults.ts";
import { TreeCursor } from "./cursor.ts";
import { Packer } from "./packer.ts";
import { ReadOnlyRoot } from "./read-only-root.ts";
import { Sheet, sheetBytes } from "./sheet.ts";
import { inSlices } from "./slices.ts";
import type { Spool } from "./spool.ts";

const MOST = 1_000;
const AT_ONCE_BYTES = 256 * 1024;

export interface Compared {
	readonly differences: readonly Difference[];
	readonly count: number;
}

export interface Comparing {
	readonly lines: Spool;
	/** Of its files with holes, in their order, by blocks. */
	readonly sparse: readonly string[];
	readonly foot: Foot | undefined;
	/** Of its names. */
	readonly dropped: Dropped;
	/** It is to be merged with what is there. */
	readonly merged: boolean;
}

/** Undefined: nobody waits any more. Fault of a merge: DIRECTORY_IN_THE_WAY. */
export async function compare(archive: Comparing, path: string, isOver: () => boolean): Promise<Compared | undefined> {
	const sparse = archive.sparse.values();
	const contentOf: ContentOf = (entry, sha256) =>
		hasHoles(entry) ? { sha256: sparse.next().value, byBlocks: true } : { sha256, byBlocks: false };
	const archived = new TreeLines(contentOf, archive.dropped);
	for (const line of linesOf(archive.lines)) archived.add(line);
	for (const text of archive.foot?.gone ?? []) archived.remove(pathOfText(text));
	for (const line of archive.foot?.sockets ?? []) archived.add(line);
	const volume = await readVolume(path, (entry) => archived.hasHolesAt(entry), isOver);
	if (volume === undefined) return undefined;
	const inTheWay = archive.merged ? archived.directoryInTheWay(volume) : undefined;
	if (inTheWay !== undefined) throw volumeFaults.DIRECTORY_IN_THE_WAY({ entry: shown(inTheWay) });
	const { first, count } = archived.differences(volume, MOST, archive.merged);
	return { differences: first, count };
}

/** As a backup reads it, and of what that would write there are its lines; contents are digested as those that they are compared with. */
async function readVolume(
	path: string,
	byBlocks: (entry: Entry) => boolean,
	isOver: () => boolean,
): Promise<TreeLines | undefined> {
	const lines = new TreeLines((entry, sha256) => ({ sha256, byBlocks: entry.type === "file" && byBlocks(entry) }));
	using root = new ReadOnlyRoot(path);
	const sheet = new Sheet();
	sheet.turn(sheetBytes());
	const packer = new Packer(sheet, {
		socket: (_, line) => lines.add(line),
		warning: () => undefined,
		again: () => undefined,
		gone: () => undefined,
	});
	const packed = new ArchiveLines(
		(line) => lines.add(line),
		(entry) => (byBlocks(entry) ? blocksDigest(entry) : hasHoles(entry) ? bytesDigest(entry) : undefined),
	);
	const take = (): void => packed.push(sheet.take());
	if (!(await inSlices(packer.pack(new TreeCursor(root.fd)), take, isOver))) return undefined;
	take();
	packed.end();
	return lines;
}

function* linesOf(spool: Spool): Generator<string> {
	spool.flush();
	let rest = Buffer.alloc(0);
	for (let at = 0; at < spool.length; ) {
		const bytes = spool.read(at, AT_ONCE_BYTES);
		at += bytes.length;
		const all = Buffer.concat([rest, bytes]);
		const end = all.lastIndexOf("\n") + 1;
		rest = all.subarray(end);
		for (const line of all.toString("utf8", 0, end).split("\n")) if (line !== "") yield line;
	}
}
