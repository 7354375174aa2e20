/** What is within one action, from its tokens: `$a, $b := command | command`. Names of functions and of variables are known ones. */
import { suggestion } from "#lib/text/nearest.ts";
import { FUNCTIONS } from "./functions.ts";
import type { Action, Kind, Token } from "./lexer.ts";
import { parseLetter, parseNumber, parseString } from "./literals.ts";
import type { Source } from "./source.ts";
import type { Command, Field, Path, Pipe, Term } from "./tree.ts";
import type { Value } from "./value.ts";

/** Deeper nobody writes; deeper still the stack would end. */
export const MAX_DEPTH = 100;

/** The variables that can be seen; `$` is always there. */
export type Names = string[];

export class PipelineParser {
	readonly #source: Source;
	readonly #action: Action;
	readonly #names: Names;
	#index: number;
	#depth = 0;

	/** Begins with the token of this number. */
	constructor(source: Source, action: Action, names: Names, index = 0) {
		this.#source = source;
		this.#action = action;
		this.#names = names;
		this.#index = index;
	}

	/** All that is left of the action. What it declares is added to the names. */
	parse({ maxVariables = 1 } = {}): Pipe {
		const { at } = this.#action;
		const { variables, isAssignment } = this.#declaration(maxVariables);
		const pipe = this.#pipe(at, variables, isAssignment);
		const left = this.#peek();
		if (left !== undefined) throw this.#unexpected(left);
		if (!isAssignment) this.#names.push(...variables);
		return pipe;
	}

	#declaration(maxVariables: number): Pick<Pipe, "variables" | "isAssignment"> {
		const { tokens } = this.#action;
		const end = tokens.findIndex(({ kind }, index) => index >= this.#index && (kind === ":=" || kind === "="));
		if (end < 0) return { variables: [], isAssignment: false };
		const isAssignment = tokens[end]?.kind === "=";
		const variables = [this.#variable()];
		while (this.#take(",") !== undefined) variables.push(this.#variable());
		const sign = this.#take(":=") ?? this.#take("=");
		if (sign === undefined) throw this.#unexpected(this.#peek());
		if (variables.length > maxVariables)
			throw this.#invalid(sign.at, `there is one value for ${variables.join(" and ")}`);
		if (isAssignment) for (const name of variables) this.#known(name, sign.at);
		return { variables, isAssignment };
	}

	#variable(): string {
		const token = this.#take("variable");
		if (token === undefined || token.text === "$") throw this.#unexpected(this.#peek());
		return token.text;
	}

	#pipe(at: number, variables: readonly string[] = [], isAssignment = false): Pipe {
		const commands: Command[] = [this.#command(false)];
		while (this.#take("|") !== undefined) commands.push(this.#command(true));
		return { variables, isAssignment, commands, at };
	}

	#command(isPiped: boolean): Command {
		const first = this.#peek();
		if (first?.kind === "word" && !isConstant(first)) return this.#call(first, isPiped);
		const term = this.#term();
		const args = this.#arguments();
		const isMethod = term.kind === "path" && term.fields.length > 0;
		if (term.kind === "literal" && (isPiped || term.value === null)) {
			throw this.#invalid(term.at, `${first?.text} is a value, and no command`);
		}
		const [argument] = args;
		if (argument !== undefined && !isMethod) throw this.#invalid(argument.at, `${first?.text} takes no arguments`);
		return { kind: "term", term, args };
	}

	#call({ text: name, at }: Token, isPiped: boolean): Command {
		this.#index++;
		const known = FUNCTIONS.get(name);
		if (known === undefined) {
			const near = suggestion(name, FUNCTIONS.keys());
			throw this.#invalid(at, `there is no function ${name}${near === undefined ? "" : ` (did you mean ${near}?)`}`);
		}
		const args = this.#arguments();
		const count = args.length + (isPiped ? 1 : 0);
		if (count < known.min || count > known.max) {
			throw this.#invalid(at, `${name} takes ${countWords(known)}, and was given ${count}`);
		}
		return { kind: "call", name, args, at };
	}

	#arguments(): Term[] {
		const args: Term[] = [];
		for (let next = this.#peek(); next !== undefined; next = this.#peek()) {
			if (next.kind === "|" || next.kind === ")") break;
			if (!next.isApart) throw this.#unexpected(next);
			args.push(this.#term());
		}
		return args;
	}

	#term(): Term {
		const token = this.#peek();
		const { at } = token ?? { at: this.#action.end };
		const literal = token && literalOf(token);
		if (literal !== undefined) {
			this.#index++;
			if (literal.value === undefined) throw this.#invalid(at, `${token?.text} is not valid`);
			return { kind: "literal", value: literal.value, at };
		}
		const from = this.#from(token);
		return { kind: "path", from, fields: token?.kind === "dot" ? [] : this.#fields(token?.kind === "field"), at };
	}

	#from(token: Token | undefined): Path["from"] {
		if (token?.kind === "field") return { kind: "dot" };
		this.#index++;
		if (token?.kind === "dot") return { kind: "dot" };
		if (token?.kind === "variable") return { kind: "variable", name: this.#known(token.text, token.at) };
		if (token?.kind === "word")
			throw this.#invalid(token.at, `the function ${token.text} has to stand in parentheses here`);
		if (token?.kind !== "(") throw this.#unexpected(token);
		if (++this.#depth > MAX_DEPTH) throw this.#invalid(token.at, "the parentheses are too deep");
		const pipe = this.#pipe(token.at);
		if (this.#take(")") === undefined) throw this.#invalid(token.at, "( is without its )");
		this.#depth--;
		return { kind: "pipe", pipe };
	}

	/** Those that hang on each other; the first one on nothing, where the term begins with it. */
	#fields(isFirst: boolean): Field[] {
		const fields: Field[] = [];
		for (let next = this.#peek(); next?.kind === "field"; next = this.#peek()) {
			if (next.isApart && !(isFirst && fields.length === 0)) break;
			fields.push({ name: next.text.slice(1), at: next.at });
			this.#index++;
		}
		return fields;
	}

	#known(name: string, at: number): string {
		if (this.#names.includes(name)) return name;
		throw this.#invalid(at, `there is no variable ${name}`);
	}

	#peek(): Token | undefined {
		return this.#action.tokens[this.#index];
	}

	#take(kind: Kind): Token | undefined {
		const token = this.#peek();
		if (token?.kind !== kind) return undefined;
		this.#index++;
		return token;
	}

	#unexpected(token: Token | undefined): Error {
		if (token === undefined) return this.#invalid(this.#action.end, "something is missing before `}}`");
		return this.#invalid(token.at, `${token.text} is out of place`);
	}

	#invalid(at: number, problem: string): Error {
		return this.#source.invalid(at, problem);
	}
}

function isConstant({ text }: Token): boolean {
	return text === "true" || text === "false" || text === "nil";
}

/** Undefined: no literal; one without a value is not valid. */
function literalOf(token: Token): { readonly value: Value | undefined } | undefined {
	const { kind, text } = token;
	if (kind === "string") return { value: parseString(text) };
	if (kind === "raw") return { value: text.slice(1, -1).replaceAll("\r", "") };
	if (kind === "char") return { value: parseLetter(text) };
	if (kind === "number") return { value: parseNumber(text) };
	if (kind !== "word" || !isConstant(token)) return undefined;
	return { value: text === "nil" ? null : text === "true" };
}

function countWords({ min, max }: { min: number; max: number }): string {
	const most = max === Number.POSITIVE_INFINITY ? `${min} or more` : min === max ? String(min) : `${min} to ${max}`;
	return `${most} argument${most === "1" ? "" : "s"}`;
}
