/**
 * The manifest: what an archive holds, as the last entry of the archive itself.
 *
 * JSON lines: a head, one line an entry in the archive's order, a foot. The entries' lines follow from the archive alone, so a
 * reader makes them anew while it reads and compares: whatever is missing, extra or different shows. The foot has the SHA-256
 * of every byte before the manifest, which covers the headers too.
 *
 * To other programs it is an ordinary file, `.wharf/manifest.jsonl`, after all others; `tar --exclude=.wharf` leaves it out. The
 * owner's name in its header tells it from a volume's own file of that name: backups name owners by number.
 */
import { volumeFaults } from "../faults.ts";
import type { Entry } from "./entry.ts";
import { BLOCK } from "./header.ts";

const MANIFEST_PATH = ".wharf/manifest.jsonl";
const MARK = "wharf-manifest";
const FORMAT = "wharf-manifest/1";
/** Whole records, as tar writes them. */
const RECORD = 20 * BLOCK;

export interface Foot {
	readonly entries: number;
	/** Bytes of the archive before the manifest, and their digest. */
	readonly bytes: number;
	readonly sha256: string;
	/** Names that no archive can hold. */
	readonly sockets: readonly string[];
	readonly warnings: readonly string[];
}

export interface Manifest {
	readonly volume: string;
	/** The entries' lines, each with its newline, as they stand there. */
	readonly lines: Buffer;
	readonly foot: Foot;
}

export function isManifest(entry: Entry): boolean {
	return entry.uname === MARK && entry.type === "file" && entry.path.toString("latin1") === MANIFEST_PATH;
}

/** The manifest as the last entry, and the end of the archive. `lines` are the entries' lines. */
export function manifestEntry(volume: string, createdAt: Date, lines: readonly Buffer[], foot: Foot): Buffer[] {
	const head = `${JSON.stringify({ format: FORMAT, volume, createdAt: createdAt.toISOString() })}\n`;
	const content = [Buffer.from(head), ...lines, Buffer.from(`${JSON.stringify({ end: true, ...foot })}\n`)];
	const size = content.reduce((sum, part) => sum + part.length, 0);
	const body = BLOCK + size + padding(size, BLOCK);
	// Two blocks of zeros end an archive, and the last record is filled up.
	const tail = 2 * BLOCK + padding(foot.bytes + body + 2 * BLOCK, RECORD);
	return [header(size, createdAt), ...content, Buffer.alloc(padding(size, BLOCK) + tail)];
}

/** Fault: MANIFEST_MISMATCH when it is none of ours. */
export function parseManifest(content: Buffer): Manifest {
	const firstEnd = content.indexOf(10) + 1;
	const lastStart = content.lastIndexOf(10, content.length - 2) + 1;
	try {
		const { format, volume } = JSON.parse(content.toString("utf8", 0, firstEnd));
		const { end, entries, bytes, sha256, sockets, warnings } = JSON.parse(content.toString("utf8", lastStart));
		if (format === FORMAT && end === true && lastStart >= firstEnd) {
			const lines = content.subarray(firstEnd, lastStart);
			return { volume: String(volume), lines, foot: { entries, bytes, sha256, sockets, warnings } };
		}
	} catch (error) {
		throw volumeFaults.MANIFEST_MISMATCH({ problem: "it cannot be read" }, { cause: error });
	}
	throw volumeFaults.MANIFEST_MISMATCH({ problem: "it is of another format" });
}

/** What differs, in words; undefined when all agrees. `lines` and the rest are of the archive as it was read. */
export function disagreement(manifest: Manifest, lines: readonly Buffer[], read: Omit<Foot, "sockets" | "warnings">) {
	const own = Buffer.concat(lines);
	if (!own.equals(manifest.lines)) return firstDifference(manifest.lines, own);
	const { foot } = manifest;
	if (foot.entries !== read.entries) return `it has ${read.entries} entries and not ${foot.entries}`;
	if (foot.bytes !== read.bytes) return `it has ${read.bytes} bytes and not ${foot.bytes}`;
	return foot.sha256 === read.sha256 ? undefined : "its headers were changed";
}

function firstDifference(expected: Buffer, actual: Buffer): string {
	const [wanted, found] = [expected, actual].map((lines) => lines.toString("utf8").split("\n"));
	const index = wanted?.findIndex((line, at) => line !== found?.[at]) ?? 0;
	const [before, now] = [wanted?.[index] ?? "", found?.[index] ?? ""];
	return fieldDifference(before, now) ?? `the manifest has ${excerpt(before)}, the archive has ${excerpt(now)}`;
}

/** Of two lines about the same path, in what they differ; undefined when they are about two. */
function fieldDifference(wanted: string, found: string): string | undefined {
	if (wanted === "" || found === "") return undefined;
	const [before, now] = [wanted, found].map((line) => JSON.parse(line) as Record<string, unknown>);
	const path = before?.["path"];
	if (before === undefined || now === undefined || path !== now["path"]) return undefined;
	const fields = [...new Set([...Object.keys(before), ...Object.keys(now)])];
	const differing = fields.filter((field) => JSON.stringify(before[field]) !== JSON.stringify(now[field]));
	const words = differing.map(
		(field) => `${field} ${excerpt(String(now[field]))} and not ${excerpt(String(before[field]))}`,
	);
	return `${JSON.stringify(path)} has ${words.join(", ")}`;
}

function excerpt(line: string): string {
	if (line === "") return "nothing more";
	return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}

/** A plain ustar header, which every tar program reads. */
function header(size: number, createdAt: Date): Buffer {
	const block = Buffer.alloc(BLOCK);
	block.write(MANIFEST_PATH, 0, "latin1");
	const octal = (value: number, start: number, digits: number): number =>
		block.write(`${value.toString(8).padStart(digits, "0")}\0`, start, "latin1");
	octal(0o400, 100, 7);
	octal(0, 108, 7);
	octal(0, 116, 7);
	octal(size, 124, 11);
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

function padding(size: number, unit: number): number {
	return (unit - (size % unit)) % unit;
}
