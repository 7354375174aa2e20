/**
 * Patterns for paths inside a volume as people write them, in the words of `.gitignore`.
 *
 * - `*` is any number of bytes of a name, a leading dot among them; `?` is one; `[a-z]` one of these, `[!a-z]` one of the others;
 *   `\` quotes what follows. Names are bytes and not letters, as for git: `é` is `é`, or `??`.
 * - A part `**` (or of more stars) is any number of parts, none included; at the pattern's end it is one or more. Elsewhere it is `*`.
 * - A pattern with a slash other than at its end begins at the volume's root. One without matches a name anywhere, as in `.gitignore`.
 * - A slash at its end: directories only.
 *
 * What could never match is refused, and so is what `.gitignore` reads otherwise: nothing is left out, or in, by a misunderstanding.
 */
import type { Fault } from "#lib/fault/fault.ts";
import { volumeFaults } from "./faults.ts";

/** Any number: of bytes in a name, of names in a path. */
export const ANY = Symbol("any number");

/** One of these bytes, or none of them. */
export interface ByteClass {
	/** First and last of each range, one pair after the other. */
	readonly ranges: string;
	readonly isNegated: boolean;
}
/** One byte as a latin1 character, or what it may be. */
export type Byte = string | ByteClass;
/** A name; a text when it has no wildcard. */
export type NamePattern = string | readonly (Byte | typeof ANY)[];
/** A name, whatever it is. */
export const NAME: NamePattern = [ANY];

export interface ParsedPattern {
	/** From the root. */
	readonly parts: readonly (NamePattern | typeof ANY)[];
	readonly isForDirectories: boolean;
}

const STARS = /^\*{2,}$/;
const LONGEST_BYTES = 4_096;
/** What a byte that is no UTF-8 has become before it comes here. */
const REPLACED = "\xef\xbf\xbd";
const ONE: Byte = { ranges: "", isNegated: true };

type Refusal = (problem: string) => Fault;

/** Fault: INVALID_PATTERN, about this field of the request. */
export function parsePathPattern(text: string, field: string): ParsedPattern {
	const refused: Refusal = (problem) =>
		volumeFaults.INVALID_PATTERN({ pattern: text.slice(0, 200), problem }, { field });
	const bytes = Buffer.from(text, "utf8").toString("latin1");
	const problem = problemOf(bytes);
	if (problem !== undefined) throw refused(problem);
	const isForDirectories = bytes.endsWith("/");
	const written = (isForDirectories ? bytes.slice(0, -1) : bytes).split("/");
	const texts = written[0] === "" ? written.slice(1) : written;
	const last = texts.length - 1;
	const parts = texts.map((part, index) => (STARS.test(part) && index < last ? ANY : parseName(part, refused)));
	return { parts: written.length === 1 ? [ANY, ...parts] : parts, isForDirectories };
}

function problemOf(bytes: string): string | undefined {
	if (bytes.length > LONGEST_BYTES) return `it has more than ${LONGEST_BYTES} bytes`;
	if (bytes.includes("\0")) return "it has a zero byte, which no name has";
	if (bytes.includes(REPLACED)) return "it has a byte that is no UTF-8; a `?` stands for any byte";
	if (bytes.startsWith("!")) return "it begins with `!`, which takes nothing back here; `\\!` is the character itself";
	if (bytes === "" || bytes === "/") return "it names nothing";
	return undefined;
}

function parseName(text: string, refused: Refusal): NamePattern {
	if (text === "") throw refused("it has an empty part");
	const pieces: (Byte | typeof ANY)[] = [];
	for (let at = 0; at < text.length; ) {
		const [piece, length] = readPiece(text, at, refused);
		// Several stars are one.
		if (piece !== ANY || pieces.at(-1) !== ANY) pieces.push(piece);
		at += length;
	}
	if (!pieces.every((piece) => typeof piece === "string")) return pieces;
	const name = pieces.join("");
	if (name === "." || name === "..") throw refused(`it has a part \`${name}\`, which no path has`);
	return name;
}

type Read<T> = readonly [read: T, length: number];

function readPiece(text: string, at: number, refused: Refusal): Read<Byte | typeof ANY> {
	switch (text.charAt(at)) {
		case "*":
			return [ANY, 1];
		case "?":
			return [ONE, 1];
		case "[":
			return readClass(text, at, refused);
		default:
			return readByte(text, at, refused);
	}
}

/** The byte itself, or the one that is quoted. */
function readByte(text: string, at: number, refused: Refusal): Read<string> {
	const length = text[at] === "\\" ? 2 : 1;
	const byte = text[at + length - 1];
	if (byte === undefined) throw refused("a part ends with a `\\` that quotes nothing");
	return [byte, length];
}

/** `[…]`, with `]` at its beginning and `-` at either end as they are. */
function readClass(text: string, start: number, refused: Refusal): Read<Byte> {
	const isNegated = text[start + 1] === "!" || text[start + 1] === "^";
	const first = start + (isNegated ? 2 : 1);
	let ranges = "";
	let at = first;
	while (at === first || text[at] !== "]") {
		const [range, length] = readRange(text, at, refused);
		ranges += range;
		at += length;
	}
	return [{ ranges, isNegated }, at + 1 - start];
}

/** `a-z`, or `a` alone, as a pair. */
function readRange(text: string, at: number, refused: Refusal): Read<string> {
	if (text.startsWith("[:", at)) throw refused("it has a class with a name (`[:`), which is not known here");
	const [low, length] = readMember(text, at, refused);
	const dash = at + length;
	if (text[dash] !== "-" || text[dash + 1] === "]") return [low + low, length];
	const [high, more] = readMember(text, dash + 1, refused);
	if (low > high) throw refused(`the range \`${low}-${high}\` is empty`);
	return [low + high, length + 1 + more];
}

function readMember(text: string, at: number, refused: Refusal): Read<string> {
	if (at >= text.length) throw refused("a `[` has no `]` in its part; `\\[` is the character itself");
	const read = readByte(text, at, refused);
	if (read[0] > "\x7f") throw refused("a class has a letter of several bytes");
	return read;
}
