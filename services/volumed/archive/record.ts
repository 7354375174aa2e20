/**
 * One line of a manifest: everything that is known of an entry, in an order that is always the same, so that equal entries have
 * equal lines. Bytes that are no UTF-8 go as base64 under `…64`.
 */
import { isUtf8 } from "node:buffer";
import { type Entry, type EntryType, nanoseconds } from "./entry.ts";

/** As JSON has it. */
interface Line {
	readonly path?: string;
	readonly path64?: string;
	readonly type: EntryType;
	readonly mode: string;
	readonly uid: number;
	readonly gid: number;
	readonly mtime: string;
	readonly size?: number;
	/** Of the content as the archive has it; for a sparse file that is its map and what is no hole. */
	readonly sha256?: string;
	readonly sparse?: true;
	readonly link?: string;
	readonly link64?: string;
	readonly device?: readonly [number, number];
	/** Extended attributes and access control lists by their pax keyword, base64. */
	readonly attributes?: Readonly<Record<string, string>>;
}

export function recordLine(entry: Entry, sha256: string | undefined): string {
	const { path, type, mode, uid, gid, mtime, size, sparse, link, device, attributes } = entry;
	const line: Line = {
		...bytes("path", path),
		type,
		mode: mode.toString(8).padStart(4, "0"),
		uid,
		gid,
		mtime,
		...(type === "file" && { size, ...(sha256 !== undefined && { sha256 }) }),
		...(sparse && { sparse }),
		...(link !== undefined && bytes("link", link)),
		...(device !== undefined && { device }),
		...(attributes.size > 0 && {
			attributes: Object.fromEntries([...attributes].map(([key, value]) => [key, value.toString("base64")])),
		}),
	};
	return JSON.stringify(line);
}

/** What can be looked up again on a disk. */
export interface EntryRecord {
	readonly path: Buffer;
	readonly type: EntryType;
	readonly mode: number;
	readonly uid: number;
	readonly gid: number;
	readonly mtimeNs: bigint;
	readonly size: number;
	readonly link: Buffer | undefined;
}

/** Of a line that `recordLine` made. */
export function parseRecord(text: string): EntryRecord {
	const line: Line = JSON.parse(text);
	const { type, mode, uid, gid, mtime, size = 0 } = line;
	const link = type === "symlink" || type === "hardlink" ? fromText(line.link, line.link64) : undefined;
	return {
		path: fromText(line.path, line.path64),
		type,
		mode: Number.parseInt(mode, 8),
		uid,
		gid,
		mtimeNs: nanoseconds(mtime),
		size,
		link,
	};
}

function bytes<K extends string>(key: K, value: Buffer): { [P in K | `${K}64`]?: string } {
	const entry = isUtf8(value) ? { [key]: value.toString("utf8") } : { [`${key}64`]: value.toString("base64") };
	return entry as { [P in K | `${K}64`]?: string }; // a computed key is only a string to the compiler
}

function fromText(text: string | undefined, base64: string | undefined): Buffer {
	return text === undefined ? Buffer.from(base64 ?? "", "base64") : Buffer.from(text, "utf8");
}
