/**
 * What a command declares once: its flags, its operands, its words. Parsing, `--help` and the types of its values come from it.
 */
import type { Terminal } from "../terminal.ts";

interface FlagBase {
	/** One letter. */
	readonly short?: string;
	readonly help: string;
	/** Other spellings that mean the same; not shown. */
	readonly also?: readonly string[];
}

/** On or off. */
interface Switch extends FlagBase {
	readonly kind: "switch";
}

/** One value. */
interface Text extends FlagBase {
	readonly kind: "text";
	/** What stands for the value in `--help`. */
	readonly value: string;
}

/** Given any number of times. */
interface List extends FlagBase {
	readonly kind: "list";
	readonly value: string;
}

export type Flag = Switch | Text | List;
export type Flags = Readonly<Record<string, Flag>>;

type ValueOf<F extends Flag> = F extends Switch ? boolean : F extends List ? readonly string[] : string | undefined;
export type ValuesOf<F extends Flags> = { readonly [K in keyof F]: ValueOf<F[K]> };

interface Input<F extends Flags> {
	readonly flags: ValuesOf<F>;
	readonly operands: readonly string[];
	readonly terminal: Terminal;
}

export interface Command<F extends Flags = Flags> {
	/** As `network create`. */
	readonly name: string;
	/** One sentence. */
	readonly summary: string;
	/** As `NETWORK [NETWORK...]`; empty: none. */
	readonly operands: string;
	readonly minOperands: number;
	/** Infinity: any number. */
	readonly maxOperands: number;
	/** Everything behind the operand of this number is the operands', dashes and all: `run IMAGE COMMAND -x`. */
	readonly commandAfter?: number;
	readonly flags: F;
	/** Whole command lines, with what they do. */
	readonly examples?: readonly (readonly [line: string, does: string])[];
	/** What else there is to know; paragraphs. */
	readonly notes?: readonly string[];
	/** The exit status of a failure of wharf itself; 1 unless given. */
	readonly failureStatus?: number;
	/** Gives the exit status. */
	run(input: Input<F>): Promise<number>;
}

/** Keeps the types of the flags for `run`. */
export function command<const F extends Flags>(declaration: Command<F>): Command<F> {
	return declaration;
}

/** Every command gets these. */
export const COMMON_FLAGS = {
	help: { kind: "switch", short: "h", help: "Say what this command does and end" },
} as const satisfies Flags;
