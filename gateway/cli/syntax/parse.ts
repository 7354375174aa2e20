/**
 * A command line against a command's declaration: `--flag value`, `--flag=value`, `-f value`, `-fvalue`, `-abc`, `--`.
 *
 * Strict: what is not declared is a Fault that names the nearest thing that is.
 */
import { suggestion } from "#lib/text/nearest.ts";
import { COMMON_FLAGS, type Command, type Flag, type Flags, type ValuesOf } from "./command.ts";
import { syntaxFaults } from "./faults.ts";

export type Parsed<F extends Flags> =
	| { readonly help: true }
	| { readonly help: false; readonly flags: ValuesOf<F>; readonly operands: readonly string[] };

export function parse<F extends Flags>(command: Command<F>, args: readonly string[]): Parsed<F> {
	// Also where the letter is another flag's, as `run -h NAME`.
	if (args.length === 1 && args[0] === "-h") return { help: true };
	const reader = new Reader(command, args);
	reader.readAll();
	if (reader.values.get("help") === true) return { help: true };
	const { operands } = reader;
	const usage = `${command.name} ${command.operands}`.trim();
	const extra = operands[command.maxOperands];
	if (extra !== undefined) throw syntaxFaults.TOO_MANY_OPERANDS({ command: command.name, operand: extra, usage });
	if (operands.length < command.minOperands) throw syntaxFaults.TOO_FEW_OPERANDS({ command: command.name, usage });
	const flags = Object.entries(command.flags).map(([name, flag]) => [name, reader.values.get(name) ?? absent(flag)]);
	// Each value was stored by its flag's kind; fromEntries forgets which is which.
	return { help: false, flags: Object.fromEntries(flags) as ValuesOf<F>, operands };
}

function absent(flag: Flag): boolean | readonly string[] | undefined {
	if (flag.kind === "switch") return false;
	return flag.kind === "list" ? [] : undefined;
}

class Reader {
	readonly operands: string[] = [];
	readonly values = new Map<string, boolean | string | string[]>();
	readonly #command: Command;
	readonly #args: readonly string[];
	readonly #byWord = new Map<string, readonly [name: string, flag: Flag]>();
	#index = 0;

	// oxlint-disable-next-line typescript/no-explicit-any -- only the declaration is read; `run`, which needs the flags' types, is not.
	constructor(command: Command<any>, args: readonly string[]) {
		this.#command = command;
		this.#args = args;
		for (const [name, flag] of Object.entries<Flag>({ ...command.flags, ...COMMON_FLAGS })) {
			const words = [`--${name}`, ...(flag.also ?? []), ...(flag.short === undefined ? [] : [`-${flag.short}`])];
			for (const word of words) if (!this.#byWord.has(word)) this.#byWord.set(word, [name, flag]);
		}
	}

	readAll(): void {
		for (let arg = this.#next(); arg !== undefined; arg = this.#next()) {
			if (arg === "--") return this.#rest();
			if (arg.startsWith("--")) this.#long(arg);
			else if (arg.startsWith("-") && arg !== "-") this.#short(arg);
			else if (this.#operand(arg)) return this.#rest();
		}
	}

	#next(): string | undefined {
		return this.#args[this.#index++];
	}

	#rest(): void {
		this.operands.push(...this.#args.slice(this.#index));
	}

	/** True when everything behind it belongs to the operands. */
	#operand(arg: string): boolean {
		this.operands.push(arg);
		return this.operands.length === this.#command.commandAfter;
	}

	#long(arg: string): void {
		const equals = arg.indexOf("=");
		const word = equals < 0 ? arg : arg.slice(0, equals);
		this.#store(word, equals < 0 ? undefined : arg.slice(equals + 1));
	}

	/** `-it`, `-p80:80`, `-p=80:80`: a letter that takes a value takes all that is left. */
	#short(arg: string): void {
		for (let at = 1; at < arg.length; at++) {
			const word = `-${arg[at]}`;
			const [, flag] = this.#find(word);
			const left = arg.slice(at + 1).replace(/^=/, "");
			if (flag.kind === "switch" && arg[at + 1] === "=") return this.#store(word, left);
			if (flag.kind !== "switch") return this.#store(word, arg.length === at + 1 ? undefined : left);
			this.#store(word, undefined);
		}
	}

	#find(word: string): readonly [name: string, flag: Flag] {
		const found = this.#byWord.get(word);
		if (found !== undefined) return found;
		const near = word.startsWith("--")
			? suggestion(
					word,
					[...this.#byWord.keys()].filter((one) => one.startsWith("--")),
				)
			: "";
		throw syntaxFaults.UNKNOWN_FLAG({ command: this.#command.name, flag: word, nearest: near ?? "" });
	}

	#store(word: string, given: string | undefined): void {
		const [name, flag] = this.#find(word);
		const command = this.#command.name;
		if (flag.kind === "switch") {
			if (given !== undefined && given !== "true" && given !== "false") {
				throw syntaxFaults.FLAG_TAKES_NO_VALUE({ command, flag: word, value: given });
			}
			this.values.set(name, given !== "false");
			return;
		}
		const value = given ?? this.#next();
		if (value === undefined) throw syntaxFaults.FLAG_NEEDS_VALUE({ command, flag: word, value: flag.value });
		const before = this.values.get(name);
		if (flag.kind === "list") this.values.set(name, [...(Array.isArray(before) ? before : []), value]);
		else if (before === undefined) this.values.set(name, value);
		else throw syntaxFaults.FLAG_GIVEN_TWICE({ command, flag: word });
	}
}
