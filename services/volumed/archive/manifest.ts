/**
 * The manifest: what an archive holds, as the last entry of the archive itself.
 *
 * An entry may come more than once: the last one counts, as for all programs that extract. JSON lines: a head, one line an entry in the
 * archive's order, what no archive can hold, a foot (`manifest-text.ts`). The entries' lines follow from the archive alone and have all that
 * is made of it, so a reader makes them anew while it reads and compares: whatever is missing, extra or different shows.
 *
 * To other programs it is an ordinary file, `.wharf/manifest.jsonl`, after all others; `tar --exclude=.wharf` leaves it out. The
 * owner's name in its header tells it from a volume's own file of that name: backups name owners by number.
 */
import { valueText } from "./attribute-records.ts";
import type { Entry } from "./entry.ts";
import { BLOCK, MOST_OCTAL, paddingOf } from "./header.ts";

const MANIFEST_PATH = ".wharf/manifest.jsonl";
const MARK = "wharf-manifest";
/** Whole records, as tar writes them. */
const RECORD = 20 * BLOCK;

/** Of the archive before the manifest. */
export interface Extent {
	readonly entries: number;
	readonly bytes: number;
}

export interface Foot extends Extent {
	/** A line each, as of other entries. */
	readonly sockets: readonly string[];
	/** Paths, as `pathText` has them, that were there when the archive was begun and not at its end; what is in a directory before it. */
	readonly gone: readonly string[];
	readonly warnings: readonly string[];
}

/** What an archive is known by, whatever it is compressed with: its lines have all that is made of it. */
export interface Manifest {
	readonly foot: Foot;
	/** Of its bytes, hexadecimal. */
	readonly sha256: string;
}

export function isManifest(entry: Entry): boolean {
	return entry.uname === MARK && entry.type === "file" && entry.path === MANIFEST_PATH;
}

/** A plain ustar header, which every tar program reads, for a manifest of `size` bytes; from 8 GiB on with a binary number, as GNU tar has it. */
export function manifestHeader(size: number, createdAt: Date): Buffer {
	const block = Buffer.alloc(BLOCK);
	block.write(MANIFEST_PATH, 0, "latin1");
	const octal = (value: number, start: number, digits: number): number =>
		block.write(`${value.toString(8).padStart(digits, "0")}\0`, start, "latin1");
	octal(0o400, 100, 7);
	octal(0, 108, 7);
	octal(0, 116, 7);
	if (size <= MOST_OCTAL) octal(size, 124, 11);
	else {
		block[124] = 0x80;
		block.writeBigUInt64BE(BigInt(size), 128);
	}
	octal(Math.floor(createdAt.getTime() / 1000), 136, 11);
	block.write("        0", 148, "latin1");
	block.write("ustar\x0000", 257, "latin1");
	block.write(MARK, 265, "latin1");
	octal(0, 329, 7);
	octal(0, 337, 7);
	const sum = block.reduce((total, byte) => total + byte, 0);
	block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
	return block;
}

/** The zeros behind a manifest of `size` bytes: two blocks end an archive, and the last record is filled up. */
export function archiveEnd(bytesBefore: number, size: number): Buffer {
	const filling = paddingOf(size);
	const before = bytesBefore + BLOCK + size + filling + 2 * BLOCK;
	const end = 2 * BLOCK + ((RECORD - (before % RECORD)) % RECORD);
	return Buffer.alloc(filling + end);
}

/** What differs, in words; undefined when all agrees. */
export function disagreement(foot: Extent, read: Extent): string | undefined {
	if (foot.entries !== read.entries) return `it has ${read.entries} entries and not ${foot.entries}`;
	return foot.bytes === read.bytes ? undefined : `it has ${read.bytes} bytes and not ${foot.bytes}`;
}

/** Of two lines about the same path, in what they differ; of others, which they are. */
export function lineDifference(wanted: string, found: string): string {
	const words = fieldDifference(wanted, found);
	return words ?? `the manifest has ${excerpt(wanted)}, the archive has ${excerpt(found)}`;
}

function fieldDifference(wanted: string, found: string): string | undefined {
	if (wanted === "" || found === "") return undefined;
	const [before, now] = [wanted, found].map((line) => withAttributes(fieldsOf(line)));
	const path = before?.["path"];
	if (before === undefined || now === undefined || path === undefined || path !== now["path"]) return undefined;
	const fields = [...new Set([...Object.keys(before), ...Object.keys(now)])];
	const differing = fields.filter((field) => JSON.stringify(before[field]) !== JSON.stringify(now[field]));
	const words = differing.map((field) => `${field} ${valueOf(now[field])} and not ${valueOf(before[field])}`);
	return `${JSON.stringify(path)} has ${words.join(", ")}`;
}

/** Each of them in a field of its own. */
function withAttributes(fields: Record<string, unknown> | undefined): Record<string, unknown> | undefined {
	const { attributes, ...rest } = fields ?? {};
	if (typeof attributes !== "object" || attributes === null) return fields;
	const named = Object.entries(attributes).map(([name, base64]) => [
		`attribute ${name}`,
		valueText(Buffer.from(String(base64), "base64")),
	]);
	return { ...rest, ...Object.fromEntries(named) };
}

function valueOf(field: unknown): string {
	if (field === undefined) return "none";
	return excerpt(typeof field === "object" ? JSON.stringify(field) : String(field));
}

/** Of a line; undefined: it is no JSON. */
export function fieldsOf(line: string): Record<string, unknown> | undefined {
	try {
		return JSON.parse(line) as Record<string, unknown>; // of a manifest: an object, or it shows in its fields
	} catch {
		return undefined;
	}
}

function excerpt(line: string): string {
	if (line === "") return "nothing more";
	return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}
