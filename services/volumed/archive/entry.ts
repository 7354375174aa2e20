/** An entry of an archive: a header with all that the headers before it say about it. */
import { volumeFaults } from "../faults.ts";
import type { Extent, Header } from "./header.ts";
import type { PaxRecords } from "./pax.ts";

/** A socket is only in manifests. */
export type EntryType = "file" | "directory" | "symlink" | "hardlink" | "fifo" | "char" | "block" | "socket";

export interface Entry {
	/** As the archive has it, a character a byte (`latin1`), as every name here. */
	readonly path: string;
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
	/** Of a sparse file: where its data is; `content`: the content begins with it. */
	readonly map: readonly Extent[] | "content" | undefined;
	/** A link's target. */
	readonly link: string | undefined;
	readonly device: readonly [major: number, minor: number] | undefined;
	/** Extended attributes and access control lists, by their key in the header. */
	readonly attributes: PaxRecords;
	readonly uname: string;
}

/** What stands in headers of their own before an entry. */
export interface Preface {
	readonly pax: PaxRecords | undefined;
	/** GNU's long name and long link. */
	readonly longName: string | undefined;
	readonly longLink: string | undefined;
}

/** A directory with the names that were in it (`tar -g`), which are not of interest to who makes it. */
const DUMPED = "D";
const TYPES: Readonly<Record<string, EntryType>> = {
	"0": "file",
	"7": "file",
	S: "file",
	"1": "hardlink",
	"2": "symlink",
	"3": "char",
	"4": "block",
	"5": "directory",
	[DUMPED]: "directory",
	"6": "fifo",
};

/** Faults: ENTRY_REFUSED for a kind that is not known, ARCHIVE_CORRUPT for what contradicts itself. */
export function entryOf(header: Header, { pax, longName, longLink }: Preface): Entry {
	const path = pax?.get("GNU.sparse.name") ?? pax?.get("path") ?? longName ?? header.name;
	const type = TYPES[header.type];
	if (type === undefined) {
		throw volumeFaults.ENTRY_REFUSED({ entry: shown(path), why: unknownKind(header.type) });
	}
	if (pax !== undefined && (longName !== undefined || longLink !== undefined)) {
		throw volumeFaults.ENTRY_REFUSED({ entry: shown(path), why: "it has names of two formats" });
	}
	// Before ustar a directory was a file whose name ends in a slash.
	const kind = type === "file" && path.endsWith("/") ? "directory" : type;
	const storedSize = number(pax, "size") ?? header.size;
	if (kind !== "file" && header.type !== DUMPED && storedSize !== 0) {
		// Some programs skip what follows and some take it for the next header.
		throw volumeFaults.ENTRY_REFUSED({ entry: shown(path), why: `it is a ${kind} and has content` });
	}
	const isLink = type === "symlink" || type === "hardlink";
	const realSize = number(pax, "GNU.sparse.realsize") ?? number(pax, "GNU.sparse.size") ?? header.sparse?.realSize;
	return {
		path,
		type: kind,
		mode: header.mode & 0o7777,
		uid: number(pax, "uid") ?? header.uid,
		gid: number(pax, "gid") ?? header.gid,
		mtime: timeOf(pax?.get("mtime") ?? String(header.mtime)),
		storedSize,
		size: kind === "file" ? (realSize ?? storedSize) : 0,
		sparse: realSize !== undefined,
		map: realSize === undefined ? undefined : mapOf(pax, header),
		link: isLink ? (pax?.get("linkpath") ?? longLink ?? header.link) : undefined,
		device: type === "char" || type === "block" ? header.device : undefined,
		attributes: attributesOf(pax),
		uname: header.uname,
	};
}

function unknownKind(type: string): string {
	return type === "M"
		? "it goes on from another volume of several (`tar --multi-volume`), which have to be one archive"
		: `it is of the kind ${JSON.stringify(type)}`;
}

/** For sentences: readable, however the bytes are. */
export function shown(path: string): string {
	const text = Buffer.from(path, "latin1").toString("utf8");
	return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

/** GNU's formats: in the header; 0.0 and 0.1 in the extended header; 1.0 before the content. */
function mapOf(pax: PaxRecords | undefined, header: Header): Entry["map"] {
	if (header.sparse !== undefined) return header.sparse.extents;
	if (pax?.has("GNU.sparse.major") === true) return "content";
	const numbers = (pax?.get("GNU.sparse.map") ?? "").split(",").map(Number);
	if (numbers.length % 2 !== 0 || numbers.some((value) => !Number.isSafeInteger(value) || value < 0)) {
		throw volumeFaults.ARCHIVE_CORRUPT({ problem: "an extended header has a map of a sparse file that is none" });
	}
	return numbers.flatMap((start, index) => (index % 2 === 0 ? [{ start, length: numbers[index + 1] ?? 0 }] : []));
}

const NO_ATTRIBUTES: PaxRecords = new Map();

function attributesOf(pax: PaxRecords | undefined): PaxRecords {
	if (pax === undefined) return NO_ATTRIBUTES;
	const found = new Map<string, string>();
	for (const [key, value] of pax) if (key.startsWith("SCHILY.")) found.set(key, value);
	return found.size === 0 ? NO_ATTRIBUTES : found;
}

function number(pax: PaxRecords | undefined, key: string): number | undefined {
	const text = pax?.get(key);
	if (text === undefined) return undefined;
	if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(Number(text))) {
		throw volumeFaults.ARCHIVE_CORRUPT({
			problem: `an extended header says ${key}=${JSON.stringify(text.slice(0, 40))}`,
		});
	}
	return Number(text);
}

/** With all of its digits. */
const WHOLE_TIME = /^-?\d{1,19}\.\d{9}$/;

function timeOf(text: string): string {
	// As we write it.
	if (WHOLE_TIME.test(text)) return text;
	const match = /^(-?\d{1,19})(?:\.(\d*))?$/.exec(text);
	if (match === null) {
		throw volumeFaults.ARCHIVE_CORRUPT({
			problem: `an extended header says mtime=${JSON.stringify(text.slice(0, 40))}`,
		});
	}
	return `${match[1]}.${(match[2] ?? "").padEnd(9, "0").slice(0, 9)}`;
}
