/** What a template is made of, once it is parsed. `at` is an offset into its text, for what goes wrong. */
import type { Value } from "./value.ts";

export type Node =
	| { readonly kind: "text"; readonly text: string }
	| { readonly kind: "print"; readonly pipe: Pipe }
	| Branch;

/** `if`, `with` and `range`. */
export interface Branch {
	readonly kind: "if" | "with" | "range";
	readonly pipe: Pipe;
	readonly body: readonly Node[];
	readonly otherwise: readonly Node[];
	readonly at: number;
}

/** `$a, $b := command | command`. Each command gets the value of the one before as its last argument. */
export interface Pipe {
	readonly variables: readonly string[];
	/** `=`, for variables that are there, instead of `:=`. */
	readonly isAssignment: boolean;
	readonly commands: readonly Command[];
	readonly at: number;
}

/** A function, or a term; only a term that ends with a field may have arguments. */
export type Command = Call | { readonly kind: "term"; readonly term: Term; readonly args: readonly Term[] };

export interface Call {
	readonly kind: "call";
	readonly name: string;
	readonly args: readonly Term[];
	readonly at: number;
}

/** A value; or fields of something, or of none of them itself. */
export type Term = { readonly kind: "literal"; readonly value: Value; readonly at: number } | Path;

export interface Path {
	readonly kind: "path";
	readonly from: { readonly kind: "dot" } | { readonly kind: "variable"; readonly name: string } | Nested;
	readonly fields: readonly Field[];
	readonly at: number;
}

/** `( pipe )`. */
interface Nested {
	readonly kind: "pipe";
	readonly pipe: Pipe;
}

export interface Field {
	readonly name: string;
	readonly at: number;
}
