/**
 * A directory tree on the disk against the lines of a manifest, both ways: what is missing, what is extra, what is different.
 *
 * Looks at names, types, owners, modes, times, sizes, links and which names are one file. Content was digested on its way in.
 */
import { type BigIntStats, lstatSync, readdirSync, readlinkSync } from "node:fs";
import { setImmediate as breathe } from "node:timers/promises";
import { placeOf } from "../archive/place.ts";
import { type EntryRecord, parseRecord } from "../archive/record.ts";

/** So many entries are looked at before others have their turn: about five milliseconds. */
const AT_ONCE = 500;
const NEWLINE = 10;
const SLASH = Buffer.from("/");
const DOT = Buffer.from(".");

const IS_TYPE: Readonly<Record<EntryRecord["type"], (stat: BigIntStats) => boolean>> = {
	file: (stat) => stat.isFile(),
	hardlink: (stat) => !stat.isDirectory(),
	directory: (stat) => stat.isDirectory(),
	symlink: (stat) => stat.isSymbolicLink(),
	fifo: (stat) => stat.isFIFO(),
	char: (stat) => stat.isCharacterDevice(),
	block: (stat) => stat.isBlockDevice(),
};

/** What is wrong with the tree at `root`, in words; undefined when it is what the lines say. `strip` as it was extracted with. */
export async function treeDifference(
	root: string,
	lines: readonly Buffer[],
	strip: number,
	signal: AbortSignal,
): Promise<string | undefined> {
	const expected = await expectedOf(lines, strip);
	const base = Buffer.from(root);
	const inodes = new Map<string, bigint>();
	const waiting: Buffer[] = [DOT];
	let looked = 0;
	for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
		looked += 1;
		if (looked % AT_ONCE === 0) {
			await breathe();
			signal.throwIfAborted();
		}
		const full = Buffer.concat([base, SLASH, path]);
		const key = placeOf(path) ?? "";
		const record = expected.get(key);
		const stat = lstatSync(full, { bigint: true });
		// An archive need not say anything of its own root.
		if (record === undefined && key !== "") return `${path} is extra`;
		const difference = record && differenceOf(record, stat, full);
		if (difference !== undefined) return `${path}: ${difference}`;
		inodes.set(key, stat.ino);
		expected.delete(key);
		if (record?.type === "hardlink") expected.set(`${key}\0`, record);
		if (!stat.isDirectory()) continue;
		for (const name of readdirSync(full, { encoding: "buffer" })) waiting.push(Buffer.concat([path, SLASH, name]));
	}
	for (const [key, record] of expected) {
		if (!key.endsWith("\0")) return `${record.path} is missing`;
		const target = placeOf(record.link ?? Buffer.alloc(0), strip) ?? "";
		if (inodes.get(target) !== inodes.get(key.slice(0, -1)))
			return `${record.path} is not the file that ${record.link} is`;
	}
	return undefined;
}

/** By place; of several entries at one place the last. */
async function expectedOf(lines: readonly Buffer[], strip: number): Promise<Map<string, EntryRecord>> {
	const expected = new Map<string, EntryRecord>();
	for (const chunk of lines) {
		for (let start = 0; start < chunk.length; ) {
			const end = chunk.indexOf(NEWLINE, start);
			const record = parseRecord(chunk.toString("utf8", start, end));
			const key = placeOf(record.path, strip);
			if (key !== undefined) expected.set(key, record);
			start = end + 1;
		}
		await breathe();
	}
	return expected;
}

function differenceOf(record: EntryRecord, stat: BigIntStats, path: Buffer): string | undefined {
	const { type, mode, uid, gid, mtimeNs, size, link } = record;
	if (!IS_TYPE[type](stat)) return `it is no ${type}`;
	// Everything else about it is said of the name that it is linked to.
	if (type === "hardlink") return undefined;
	if (stat.uid !== BigInt(uid) || stat.gid !== BigInt(gid))
		return `its owner is ${stat.uid}:${stat.gid} and not ${uid}:${gid}`;
	if (stat.mtimeNs !== mtimeNs) return `its time is ${stat.mtimeNs} ns and not ${mtimeNs} ns`;
	if (type === "file" && stat.size !== BigInt(size)) return `it has ${stat.size} bytes and not ${size}`;
	if (type === "symlink") return linkDifference(path, link ?? Buffer.alloc(0));
	const found = Number(stat.mode & 0o7777n);
	return found === mode ? undefined : `its mode is ${found.toString(8)} and not ${mode.toString(8)}`;
}

function linkDifference(path: Buffer, link: Buffer): string | undefined {
	const found = readlinkSync(path, { encoding: "buffer" });
	return found.equals(link) ? undefined : `it links to ${found} and not to ${link}`;
}
