/**
 * One line of a manifest: everything that is known of an entry, in an order that is always the same, so that equal entries have
 * equal lines. Bytes that are no UTF-8 go as base64 under `…64`.
 */
import { isUtf8 } from "node:buffer";
import type { Entry, EntryType } from "./entry.ts";

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
	/** Of the content as the archive has it; of a sparse file what is no hole, and its map where that is in the content. */
	readonly sha256?: string;
	/** Where its data lies, if that is not in the content itself: start and length of each part. */
	readonly sparse?: true | readonly (readonly [number, number])[];
	readonly link?: string;
	readonly link64?: string;
	readonly device?: readonly [number, number];
	/** Extended attributes and access control lists by their pax keyword, base64. */
	readonly attributes?: Readonly<Record<string, string>>;
}

/** JSON without its library, which takes four times as long: there is one for every file. */
export function recordLine(entry: Entry, sha256: string | undefined): string {
	const { path, type, mode, uid, gid, mtime, size, link, device, attributes } = entry;
	const permissions = mode.toString(8).padStart(4, "0");
	let line = `{${bytes("path", path)},"type":"${type}","mode":"${permissions}","uid":${uid},"gid":${gid},"mtime":"${mtime}"`;
	if (type === "file") line += sha256 === undefined ? `,"size":${size}` : `,"size":${size},"sha256":"${sha256}"`;
	if (entry.sparse) line += `,"sparse":${sparseText(entry.map)}`;
	if (link !== undefined) line += `,${bytes("link", link)}`;
	if (device !== undefined) line += `,"device":[${device[0]},${device[1]}]`;
	if (attributes.size > 0) line += `,"attributes":${attributesText(attributes)}`;
	return `${line}}`;
}

/** Of a line that `recordLine` made. */
export function entryOfLine(text: string): Entry {
	return parsedLine(text).entry;
}

export function parsedLine(text: string): { readonly entry: Entry; readonly sha256: string | undefined } {
	const line: Line = JSON.parse(text);
	return { entry: entryOf(line), sha256: line.sha256 };
}

function entryOf(line: Line): Entry {
	const { type, mode, uid, gid, mtime, size = 0, device, attributes = {} } = line;
	const isLink = type === "symlink" || type === "hardlink";
	return {
		path: fromText(line.path, line.path64),
		...{ type, uid, gid, mtime, size, device },
		sparse: line.sparse !== undefined,
		mode: Number.parseInt(mode, 8),
		storedSize: 0,
		map: undefined,
		link: isLink ? fromText(line.link, line.link64) : undefined,
		attributes: new Map(
			Object.entries(attributes).map(([key, value]) => [key, Buffer.from(value, "base64").toString("latin1")]),
		),
		uname: "",
	};
}

/** A path alone, as text. */
export function pathText(path: string): string {
	return `{${bytes("path", path)}}`;
}

export function pathOfText(text: string): string {
	const { path, path64 }: Pick<Line, "path" | "path64"> = JSON.parse(text);
	return fromText(path, path64);
}

/** What stands for itself between the quotes of JSON. */
const PLAIN = /^[ !#-[\]-~]*$/;

function bytes(key: string, value: string): string {
	if (PLAIN.test(value)) return `"${key}":"${value}"`;
	const raw = Buffer.from(value, "latin1");
	return isUtf8(raw) ? `"${key}":${JSON.stringify(raw.toString("utf8"))}` : `"${key}64":"${raw.toString("base64")}"`;
}

function sparseText(map: Entry["map"]): string {
	if (typeof map !== "object") return "true";
	return JSON.stringify(map.map(({ start, length }) => [start, length]));
}

function attributesText(attributes: Entry["attributes"]): string {
	const inBase64 = [...attributes].map(([key, value]) => [key, Buffer.from(value, "latin1").toString("base64")]);
	return JSON.stringify(Object.fromEntries(inBase64));
}

function fromText(text: string | undefined, base64: string | undefined): string {
	return text === undefined
		? Buffer.from(base64 ?? "", "base64").toString("latin1")
		: Buffer.from(text, "utf8").toString("latin1");
}
