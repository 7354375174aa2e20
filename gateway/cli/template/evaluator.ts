/** A parsed template over a value, to text. Bounded in work and output. Faults: NO_SUCH_FIELD, TEMPLATE_FAILED, TEMPLATE_TOO_LARGE. */
import { suggestion } from "#lib/text/nearest.ts";
import { Budget } from "./budget.ts";
import { templateFaults } from "./faults.ts";
import { type Fail, FUNCTIONS, type TemplateFunction } from "./functions.ts";
import type { Source } from "./source.ts";
import type { Branch, Call, Command, Field, Node, Path, Pipe, Term } from "./tree.ts";
import { Fields, isList, isTrue, kindOf, type Value } from "./value.ts";
import { printed } from "./verbs.ts";

export type Functions = ReadonlyMap<string, TemplateFunction>;

/** `functions` stand in for those of the same name. */
export function evaluate(
	source: Source,
	nodes: readonly Node[],
	root: Value,
	functions: Functions = new Map(),
): string {
	const evaluator = new Evaluator(source, root, functions);
	evaluator.walk(nodes, root);
	return evaluator.output.join("");
}

class Evaluator {
	readonly output: string[] = [];
	readonly #source: Source;
	readonly #budget: Budget;
	readonly #functions: Functions;
	/** The innermost last. */
	readonly #variables: { readonly name: string; value: Value }[];

	constructor(source: Source, root: Value, functions: Functions) {
		this.#source = source;
		this.#budget = new Budget(source);
		this.#functions = functions;
		this.#variables = [{ name: "$", value: root }];
	}

	/** What the nodes declare is gone behind them. */
	walk(nodes: readonly Node[], dot: Value): void {
		const seen = this.#variables.length;
		for (const node of nodes) {
			if (node.kind === "text") this.#write(0, node.text);
			else if (node.kind === "print") this.#print(node.pipe, dot);
			else this.#branch(node, dot);
		}
		this.#variables.length = seen;
	}

	#print(pipe: Pipe, dot: Value): void {
		const value = this.#pipe(pipe, dot);
		if (pipe.variables.length === 0) this.#write(pipe.at, printed(value));
		else this.#setAll(pipe, [value]);
	}

	#write(at: number, text: string): void {
		this.#budget.step(at);
		this.#budget.write(at, text);
		this.output.push(text);
	}

	#branch(branch: Branch, dot: Value): void {
		const { kind, pipe, body, otherwise } = branch;
		const seen = this.#variables.length;
		const value = this.#pipe(pipe, dot);
		if (kind === "range") this.#range(branch, value, dot);
		else {
			this.#setAll(pipe, [value]);
			if (isTrue(value)) this.walk(body, kind === "with" ? value : dot);
			else this.walk(otherwise, dot);
		}
		this.#variables.length = seen;
	}

	/** One variable is the element, of two the first is its index or key. */
	#range({ pipe, body, otherwise, at }: Branch, value: Value, dot: Value): void {
		const pairs = this.#pairs(value, at);
		if (pairs.length === 0) this.walk(otherwise, dot);
		for (const [key, element] of pairs) {
			const seen = this.#variables.length;
			this.#budget.step(at);
			this.#setAll(pipe, pipe.variables.length === 2 ? [key, element] : [element]);
			this.walk(body, element);
			this.#variables.length = seen;
		}
	}

	#pairs(value: Value, at: number): readonly (readonly [Value, Value])[] {
		this.#budget.handle(at, value);
		if (value === null) return [];
		if (isList(value)) return value.map((element, index) => [BigInt(index), element]);
		if (value instanceof Fields) return value.sorted();
		throw this.#failed(at, `there is nothing to range over in ${kindOf(value)}`);
	}

	#setAll({ variables, isAssignment }: Pipe, values: readonly Value[]): void {
		for (const [index, name] of variables.entries()) {
			const value = values[index] ?? null;
			if (isAssignment) this.#variable(name).value = value;
			else this.#variables.push({ name, value });
		}
	}

	#variable(name: string): { value: Value } {
		const found = this.#variables.findLast((one) => one.name === name);
		if (found === undefined) throw new Error(`${name} was parsed, and is not there`);
		return found;
	}

	#pipe({ commands }: Pipe, dot: Value): Value {
		let value: Value = null;
		for (const [index, command] of commands.entries()) value = this.#command(command, dot, index === 0 ? [] : [value]);
		return value;
	}

	#command(command: Command, dot: Value, piped: readonly Value[]): Value {
		if (command.kind === "call") return this.#call(command, dot, piped);
		const { term, args } = command;
		if (args.length === 0 && piped.length === 0) return this.#term(term, dot);
		if (term.kind === "literal") throw new Error("a literal was given arguments");
		return this.#path(term, dot, [...args.map((one) => this.#term(one, dot)), ...piped]);
	}

	#call({ name, args, at }: Call, dot: Value, piped: readonly Value[]): Value {
		const known = this.#functions.get(name) ?? FUNCTIONS.get(name);
		if (known === undefined) throw new Error(`${name} was parsed, and is not there`);
		const values: Value[] = [];
		for (const value of this.#each(args, dot, piped)) {
			this.#budget.handle(at, value);
			if (known.endsAt === isTrue(value)) return value;
			values.push(value);
		}
		const fail: Fail = (problem) => {
			throw this.#failed(at, `${name}: ${problem}`);
		};
		const result = known.run(values, fail, () => this.#budget.exceedText(at));
		this.#budget.handle(at, result);
		return result;
	}

	/** One after the other, as `and` and `or` may not want the rest. */
	*#each(args: readonly Term[], dot: Value, piped: readonly Value[]): Iterable<Value> {
		for (const arg of args) yield this.#term(arg, dot);
		yield* piped;
	}

	#term(term: Term, dot: Value): Value {
		return term.kind === "literal" ? term.value : this.#path(term, dot, []);
	}

	#path(path: Path, dot: Value, args: readonly Value[]): Value {
		const { from, fields, at } = path;
		this.#budget.step(at, fields.length);
		const last = fields.length - 1;
		let value = this.#from(from, dot);
		if (args.length > 0 && last < 0) throw this.#failed(at, "what is not a function takes no arguments");
		for (const [index, field] of fields.entries()) {
			value = this.#field(value, field, index === last ? args : [], () => wordsOf(path, index));
		}
		return value;
	}

	#from(from: Path["from"], dot: Value): Value {
		if (from.kind === "dot") return dot;
		return from.kind === "variable" ? this.#variable(from.name).value : this.#pipe(from.pipe, dot);
	}

	/** Of nil nil, as of a map's key that is missing. */
	#field(value: Value, { name, at }: Field, args: readonly Value[], owner: () => string): Value {
		if (value === null) return null;
		if (!(value instanceof Fields)) throw this.#noField(at, owner(), name, value);
		const found = value.entries.get(name);
		if (found !== undefined && args.length === 0) return found;
		const given = value.method(name, args);
		if (given !== undefined) return given;
		if (found !== undefined) throw this.#failed(at, `${name} takes no arguments`);
		if (value.isMap) return null;
		throw this.#noField(at, owner(), name, value);
	}

	#noField(at: number, path: string, field: string, owner: Value): Error {
		const known = owner instanceof Fields ? [...owner.entries.keys()] : [];
		return templateFaults.NO_SUCH_FIELD({
			at: this.#source.place(at),
			field: `${path}.${field}`,
			owner: owner instanceof Fields ? "it has other fields" : `${path || "."} is ${kindOf(owner)}`,
			nearest: suggestion(field, known) ?? "",
		});
	}

	#failed(at: number, problem: string): Error {
		return templateFaults.TEMPLATE_FAILED({ at: this.#source.place(at), problem });
	}
}

/** What a field is asked of: the path before it. */
function wordsOf({ from, fields }: Path, index: number): string {
	const start = { dot: "", variable: from.kind === "variable" ? from.name : "", pipe: "(…)" }[from.kind];
	const before = fields.slice(0, index).map(({ name }) => `.${name}`);
	return start + before.join("");
}
