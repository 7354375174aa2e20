/** An archive that was read, by its lines, against a volume, which is read now: what is different, both ways. On the archiver's thread. */
import { setImmediate as breathe } from "node:timers/promises";
import { closeFile, openDirectory } from "#lib/linux/files/open.ts";
import { FixedMemory, LinuxError } from "#lib/linux/libc.ts";
import { DetachedTree } from "#lib/linux/mount/tree.ts";
import { type Difference, TreeLines } from "../archive/differences.ts";
import type { Foot } from "../archive/manifest.ts";
import { pathOfText } from "../archive/record.ts";
import { TreeCursor } from "./cursor.ts";
import { Packer } from "./packer.ts";
import type { Spool } from "./spool.ts";

const MOST = 1_000;
const SHEET_BYTES = 1024 * 1024;
const AT_ONCE_BYTES = 256 * 1024;
const SLICE_MS = 20;

export interface Compared {
	readonly differences: readonly Difference[];
	readonly count: number;
}

/** Undefined: nobody waits any more. */
export async function compare(
	archive: { readonly lines: Spool; readonly foot: Foot | undefined },
	path: string,
	isOver: () => boolean,
): Promise<Compared | undefined> {
	const archived = new TreeLines();
	for (const line of linesOf(archive.lines)) archived.add(line);
	for (const text of archive.foot?.gone ?? []) archived.remove(pathOfText(text));
	for (const line of archive.foot?.sockets ?? []) archived.add(line);
	const volume = await readVolume(path, isOver);
	if (volume === undefined) return undefined;
	const { first, count } = archived.differences(volume, MOST);
	return { differences: first, count };
}

/** As a backup reads it, and what it would write is dropped. */
async function readVolume(path: string, isOver: () => boolean): Promise<TreeLines | undefined> {
	const lines = new TreeLines();
	using opened = new DisposableStack();
	const tree = opened.use(DetachedTree.clone(path));
	tree.set({ readOnly: true, nodev: true, nosuid: true, noexec: true });
	const root = openDirectory(tree.fd, ".");
	if (root < 0) throw new LinuxError(-root, `open ${path}`);
	opened.adopt(root, closeFile);
	const sheet = { ...new FixedMemory(Buffer.from(new ArrayBuffer(SHEET_BYTES))), at: 0 };
	const packer = new Packer(sheet, {
		line: (line) => lines.add(line),
		socket: (_, line) => lines.add(line),
		warning: () => undefined,
		again: () => undefined,
		gone: () => undefined,
	});
	let sliceEnd = performance.now() + SLICE_MS;
	for (const _ of packer.pack(new TreeCursor(root))) {
		sheet.at = 0;
		if (performance.now() < sliceEnd) continue;
		await breathe();
		if (isOver()) return undefined;
		sliceEnd = performance.now() + SLICE_MS;
	}
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
