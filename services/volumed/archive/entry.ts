/** An entry of an archive: a header with all that the headers before it say about it. */
import { volumeFaults } from "../faults.ts";
import type { Header } from "./header.ts";
import type { PaxRecords } from "./pax.ts";

export type EntryType = "file" | "directory" | "symlink" | "hardlink" | "fifo" | "char" | "block";

export interface Entry {
	/** As the archive has it. */
	readonly path: Buffer;
	readonly type: EntryType;
	readonly mode: number;
	readonly uid: number;
	readonly gid: number;
	/** Seconds with nine digits behind the point, as `-1.500000000`. */
	readonly mtime: string;
	/** Bytes of content in the archive; of a sparse file its map and what is not a hole. */
	readonly storedSize: number;
	/** Bytes of the file. */
	readonly size: number;
	readonly sparse: boolean;
	/** A link's target. */
	readonly link: Buffer | undefined;
	readonly device: readonly [major: number, minor: number] | undefined;
	/** Extended attributes and access control lists, by their key in the header. */
	readonly attributes: PaxRecords;
	readonly uname: string;
}

/** What stands in headers of their own before an entry. */
export interface Preface {
	readonly pax: PaxRecords | undefined;
	/** GNU's long name and long link. */
	readonly longName: Buffer | undefined;
	readonly longLink: Buffer | undefined;
}

const SLASH = 47;

const TYPES: Readonly<Record<string, EntryType>> = {
	"0": "file",
	"7": "file",
	S: "file",
	"1": "hardlink",
	"2": "symlink",
	"3": "char",
	"4": "block",
	"5": "directory",
	"6": "fifo",
};

/** Faults: ENTRY_REFUSED for a kind that is not known, ARCHIVE_CORRUPT for what contradicts itself. */
export function entryOf(header: Header, { pax, longName, longLink }: Preface): Entry {
	const path = pax?.get("GNU.sparse.name") ?? pax?.get("path") ?? longName ?? header.name;
	const type = TYPES[header.type];
	if (type === undefined) {
		throw volumeFaults.ENTRY_REFUSED({ entry: shown(path), why: `it is of the kind ${JSON.stringify(header.type)}` });
	}
	if (pax !== undefined && (longName !== undefined || longLink !== undefined)) {
		throw volumeFaults.ENTRY_REFUSED({ entry: shown(path), why: "it has names of two formats" });
	}
	// Before ustar a directory was a file whose name ends in a slash.
	const kind = type === "file" && path.at(-1) === SLASH ? "directory" : type;
	const storedSize = number(pax, "size") ?? header.size;
	if (kind !== "file" && storedSize !== 0) {
		// Some programs skip what follows and some take it for the next header.
		throw volumeFaults.ENTRY_REFUSED({ entry: shown(path), why: `it is a ${kind} and has content` });
	}
	const isLink = type === "symlink" || type === "hardlink";
	const realSize = number(pax, "GNU.sparse.realsize") ?? number(pax, "GNU.sparse.size") ?? header.sparse?.realSize;
	return {
		path: Buffer.from(path),
		type: kind,
		mode: header.mode & 0o7777,
		uid: number(pax, "uid") ?? header.uid,
		gid: number(pax, "gid") ?? header.gid,
		mtime: timeOf(pax?.get("mtime")?.toString("latin1") ?? String(header.mtime)),
		storedSize,
		size: kind === "file" ? (realSize ?? storedSize) : 0,
		sparse: realSize !== undefined,
		link: isLink ? Buffer.from(pax?.get("linkpath") ?? longLink ?? header.link) : undefined,
		device: type === "char" || type === "block" ? header.device : undefined,
		attributes: new Map([...(pax ?? [])].filter(([key]) => key.startsWith("SCHILY."))),
		uname: header.uname,
	};
}

/** For sentences: readable, however the bytes are. */
export function shown(path: Buffer): string {
	const text = path.toString("utf8");
	return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

function number(pax: PaxRecords | undefined, key: string): number | undefined {
	const bytes = pax?.get(key);
	if (bytes === undefined) return undefined;
	const text = bytes.toString("latin1");
	if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(Number(text))) {
		throw volumeFaults.ARCHIVE_CORRUPT({
			problem: `an extended header says ${key}=${JSON.stringify(text.slice(0, 40))}`,
		});
	}
	return Number(text);
}

function timeOf(text: string): string {
	const match = /^(-?\d{1,19})(?:\.(\d*))?$/.exec(text);
	if (match === null) {
		throw volumeFaults.ARCHIVE_CORRUPT({
			problem: `an extended header says mtime=${JSON.stringify(text.slice(0, 40))}`,
		});
	}
	return `${match[1]}.${(match[2] ?? "").padEnd(9, "0").slice(0, 9)}`;
}

/** Nanoseconds since 1970 of an entry's `mtime`. */
export function nanoseconds(mtime: string): bigint {
	const digits = BigInt(mtime.replace(/[-.]/g, ""));
	return mtime.startsWith("-") ? -digits : digits;
}
