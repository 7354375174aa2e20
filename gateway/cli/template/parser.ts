/** A template's text to its tree. Whatever can be wrong with it before there is data is found here. Fault: INVALID_TEMPLATE. */
import { type Action, cut, type Piece } from "./lexer.ts";
import { MAX_DEPTH, type Names, PipelineParser } from "./pipeline.ts";
import type { Source } from "./source.ts";
import type { Branch, Node } from "./tree.ts";

export function parse(source: Source, unescape: (text: string) => string): readonly Node[] {
	const pieces = cut(source).map((piece) => (piece.kind === "text" ? { ...piece, text: unescape(piece.text) } : piece));
	const parser = new Parser(source, pieces);
	const { nodes, end } = parser.nodes();
	if (end !== undefined) throw source.invalid(end.at, `{{${end.word}}} is without its {{if}}, {{with}} or {{range}}`);
	return nodes;
}

/** What a row of nodes ends with; nothing at the end of the template. */
interface End {
	readonly word: "end" | "else";
	readonly action: Action;
	readonly at: number;
}

type Block = Branch["kind"];
const REFUSED: ReadonlySet<string> = new Set(["define", "template", "block", "break", "continue"]);

class Parser {
	readonly #source: Source;
	readonly #pieces: readonly Piece[];
	readonly #names: Names = ["$"];
	#index = 0;
	#depth = 0;

	constructor(source: Source, pieces: readonly Piece[]) {
		this.#source = source;
		this.#pieces = pieces;
	}

	/** As far as `{{end}}` or `{{else}}`. What they declare is forgotten behind them. */
	nodes(): { nodes: Node[]; end: End | undefined } {
		const nodes: Node[] = [];
		const seen = this.#names.length;
		let end: End | undefined;
		while (end === undefined && this.#index < this.#pieces.length) {
			const piece = this.#pieces[this.#index++];
			if (piece?.kind === "text") nodes.push(piece);
			else if (piece !== undefined) {
				end = endOf(piece);
				if (end === undefined) nodes.push(this.#node(piece));
			}
		}
		this.#names.length = seen;
		return { nodes, end };
	}

	#node(action: Action): Node {
		const [first] = action.tokens;
		if (first === undefined) throw this.#source.invalid(action.at, "there is nothing in `{{}}`");
		const word = first.kind === "word" ? first.text : "";
		if (REFUSED.has(word)) throw this.#source.invalid(first.at, `wharf's templates have no {{${word}}}`);
		if (word === "end") throw this.#source.invalid(first.at, "nothing may follow `end`");
		if (isBlock(word)) return this.#branch(word, action, 1);
		return { kind: "print", pipe: new PipelineParser(this.#source, action, this.#names).parse() };
	}

	/** Its pipe begins with the token of the number `from`. */
	#branch(kind: Block, action: Action, from: number): Branch {
		if (++this.#depth > MAX_DEPTH) throw this.#source.invalid(action.at, "the blocks are too deep");
		const seen = this.#names.length;
		const reader = new PipelineParser(this.#source, action, this.#names, from);
		const pipe = reader.parse({ maxVariables: kind === "range" ? 2 : 1 });
		const { nodes: body, end } = this.nodes();
		const otherwise = this.#otherwise(kind, action, end);
		this.#names.length = seen;
		this.#depth--;
		return { kind, pipe, body, otherwise, at: action.at };
	}

	#otherwise(kind: Block, action: Action, end: End | undefined): readonly Node[] {
		if (end === undefined) throw this.#source.invalid(action.at, `{{${kind}}} is without its {{end}}`);
		if (end.word === "end") return [];
		const [, next] = end.action.tokens;
		if (next !== undefined) return [this.#elseBranch(kind, end.action)];
		const { nodes, end: last } = this.nodes();
		if (last === undefined) throw this.#source.invalid(action.at, `{{${kind}}} is without its {{end}}`);
		if (last.word === "else") throw this.#source.invalid(last.at, `{{${kind}}} has one {{else}}`);
		return nodes;
	}

	/** `{{else if}}`, and `{{else with}}`, which share the `{{end}}`. */
	#elseBranch(kind: Block, action: Action): Branch {
		const [, next] = action.tokens;
		if (next?.kind !== "word" || next.text !== kind || kind === "range") {
			throw this.#source.invalid(next?.at ?? action.at, `${next?.text} is out of place behind the else of {{${kind}}}`);
		}
		return this.#branch(kind, action, 2);
	}
}

function isBlock(word: string): word is Block {
	return word === "if" || word === "with" || word === "range";
}

function endOf(action: Action): End | undefined {
	const [first, second] = action.tokens;
	if (first?.kind !== "word") return undefined;
	if (first.text === "else") return { word: "else", action, at: first.at };
	return first.text === "end" && second === undefined ? { word: "end", action, at: first.at } : undefined;
}
