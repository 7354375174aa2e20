/**
 * Go's text/template with Docker's functions, as `docker inspect -f` has it: an interpreter of our own, pure, over JSON's values.
 *
 * Left out: define, template, block, break, continue, html, js, urlquery, call and complex numbers. Maps and structs
 * are printed alike, `map[a:1 b:2]`: what Docker prints of its structs are their fields in the order of its source.
 */
import { evaluate, type Functions } from "./evaluator.ts";
import { parse } from "./parser.ts";
import { Source } from "./source.ts";
import type { Node } from "./tree.ts";
import type { Value } from "./value.ts";

export class Template {
	readonly #source: Source;
	readonly #nodes: readonly Node[];

	/** What is outside of actions passes through `unescape`. Fault: INVALID_TEMPLATE. */
	constructor(text: string, unescape: (text: string) => string = (outside) => outside) {
		this.#source = new Source(text);
		this.#nodes = parse(this.#source, unescape);
	}

	/** At most 1 MB. Faults: NO_SUCH_FIELD, TEMPLATE_FAILED, TEMPLATE_TOO_LARGE. */
	run(root: Value, functions?: Functions): string {
		return evaluate(this.#source, this.#nodes, root, functions);
	}
}
