/**
 * A template's text, cut into what is printed as it stands and actions, `{{…}}`, as rows of tokens.
 *
 * Comments are gone, and so are the blanks that `{{-` and `-}}` take away.
 */
import type { Source } from "./source.ts";

export type Kind =
	| "number"
	| "char"
	| "string"
	| "raw"
	| "field"
	| "variable"
	| "word"
	| "dot"
	| ":="
	| "="
	| "|"
	| ","
	| "("
	| ")";

export interface Token {
	readonly kind: Kind;
	readonly text: string;
	readonly at: number;
	/** With a blank before it: `.A .B` are two, `.A.B` is one. */
	readonly isApart: boolean;
}

export interface Action {
	readonly kind: "action";
	readonly tokens: readonly Token[];
	readonly at: number;
	/** Of its `}}`. */
	readonly end: number;
}

export type Piece = { readonly kind: "text"; readonly text: string } | Action;

const [OPEN, CLOSE] = ["{{", "}}"];
const BLANKS = /[ \t\r\n]*/y;
const TRIMMED_OPEN = /-(?=[ \t\r\n])/y;
const TRIMMED_CLOSE = /[ \t\r\n]-\}\}/y;

/** The first that fits is it. */
const TOKENS: readonly (readonly [Kind, RegExp])[] = [
	["number", /[+-]?\.?[0-9](?:[eE][+-](?=[0-9])|[\w.])*/y],
	["char", /'[^'\\\n]*(?:\\.[^'\\\n]*)*'/y],
	["string", /"[^"\\\n]*(?:\\.[^"\\\n]*)*"/y],
	["raw", /`[^`]*`/y],
	["field", /\.[\p{L}_][\p{L}\p{Nd}_]*/uy],
	["variable", /\$[\p{L}\p{Nd}_]*/uy],
	["word", /[\p{L}_][\p{L}\p{Nd}_]*/uy],
	["dot", /\./y],
	[":=", /:=/y],
	["=", /=/y],
	["|", /\|/y],
	[",", /,/y],
	["(", /\(/y],
	[")", /\)/y],
];

/** Fault: INVALID_TEMPLATE. */
export function cut(source: Source): Piece[] {
	return new Cutter(source).pieces();
}

class Cutter {
	readonly #source: Source;
	readonly #text: string;
	#at = 0;

	constructor(source: Source) {
		this.#source = source;
		this.#text = source.text;
	}

	pieces(): Piece[] {
		const pieces: Piece[] = [];
		let isTrimmed = false;
		for (;;) {
			const open = this.#text.indexOf(OPEN, this.#at);
			const raw = this.#text.slice(this.#at, open < 0 ? undefined : open);
			const text = isTrimmed ? trimStart(raw) : raw;
			if (open < 0) return [...pieces, { kind: "text", text }];
			this.#at = open + OPEN.length;
			pieces.push({ kind: "text", text: this.#take(TRIMMED_OPEN) === undefined ? text : trimEnd(text) });
			const action = this.#comment(open) ?? this.#action(open);
			if (action !== "comment") pieces.push(action);
			isTrimmed = this.#close();
		}
	}

	/** Leaves off before the `}}`, or the `-` that belongs to it. */
	#comment(open: number): "comment" | undefined {
		const start = this.#at + (match(BLANKS, this.#text, this.#at)?.length ?? 0);
		if (!this.#text.startsWith("/*", start)) return undefined;
		const end = this.#text.indexOf("*/", start);
		if (end < 0) throw this.#source.invalid(open, "the comment has no end");
		this.#at = end + 2;
		if (!this.#isAtClose()) throw this.#source.invalid(open, "a comment has to end with `*/}}`");
		return "comment";
	}

	#action(open: number): Action {
		const tokens: Token[] = [];
		let isApart = true;
		for (;;) {
			while (!this.#isAtClose() && this.#take(/[ \t\r\n]/y) !== undefined) isApart = true;
			if (this.#isAtClose()) return { kind: "action", tokens, at: open, end: this.#at };
			tokens.push(this.#token(open, isApart));
			isApart = false;
		}
	}

	#token(open: number, isApart: boolean): Token {
		const at = this.#at;
		if (at === this.#text.length) throw this.#source.invalid(open, "`{{` is without its `}}`");
		for (const [kind, form] of TOKENS) {
			const text = this.#take(form);
			if (text !== undefined) return { kind, text, at, isApart };
		}
		throw this.#source.invalid(at, strange(String.fromCodePoint(this.#text.codePointAt(at) ?? 0)));
	}

	#isAtClose(): boolean {
		return this.#text.startsWith(CLOSE, this.#at) || match(TRIMMED_CLOSE, this.#text, this.#at) !== undefined;
	}

	/** True when what follows loses its blanks. */
	#close(): boolean {
		if (this.#take(TRIMMED_CLOSE) !== undefined) return true;
		this.#at += CLOSE.length;
		return false;
	}

	#take(form: RegExp): string | undefined {
		const found = match(form, this.#text, this.#at);
		this.#at += found?.length ?? 0;
		return found;
	}
}

function match(form: RegExp, text: string, at: number): string | undefined {
	form.lastIndex = at;
	return form.exec(text)?.[0];
}

function strange(letter: string): string {
	if (letter === '"' || letter === "'" || letter === "`") return `${letter} is without the other one`;
	const key = letter === "-" || letter === "/" ? '; a key with it is asked for as `index .Labels "a-b"`' : "";
	return `nothing begins with ${JSON.stringify(letter)} here${key}`;
}

function trimStart(text: string): string {
	return text.replace(/^[ \t\r\n]+/, "");
}

/** By hand, as an expression takes the square of the blanks within. */
function trimEnd(text: string): string {
	let end = text.length;
	while (" \t\r\n".includes(text[end - 1] ?? "x")) end--;
	return text.slice(0, end);
}
