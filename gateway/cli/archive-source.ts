/** An archive that a command reads: a file of this machine, which volumed opens itself, or standard input, which it is sent. */
import { resolve } from "node:path";
import { syntaxFaults } from "./syntax/faults.ts";
import type { Terminal } from "./terminal.ts";

type Part<S> = { readonly $case: "spec"; readonly value: S } | { readonly $case: "chunk"; readonly value: Buffer };

export class ArchiveSource {
	/** Absolute; empty: it is sent. */
	readonly path: string;
	readonly #stdin: AsyncIterable<Uint8Array>;

	/** `operand` is a path, or `-`. Fault: INVALID_VALUE. */
	constructor(operand: string, { cwd, stdin }: Pick<Terminal, "cwd" | "stdin">) {
		if (operand === "") {
			throw syntaxFaults.INVALID_VALUE({ what: "The file", value: "", allowed: "a path, or - for standard input" });
		}
		this.path = operand === "-" ? "" : resolve(cwd, operand);
		this.#stdin = stdin;
	}

	/** The request's messages. */
	async *messages<S>(value: S): AsyncGenerator<{ readonly part: Part<S> }> {
		yield { part: { $case: "spec", value } };
		if (this.path !== "") return;
		for await (const chunk of this.#stdin) yield { part: { $case: "chunk", value: Buffer.from(chunk) } };
	}
}
