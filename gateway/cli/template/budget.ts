/** What one template may take, so that every one ends: work, and output. Both are counted, not timed. */
import { templateFaults } from "./faults.ts";
import { Fields, isList, type Value } from "./value.ts";
import type { Source } from "./source.ts";

export const MAX_OUTPUT_BYTES = 1 << 20;
/** Some tenths of a second. */
const MAX_WORK = 5_000_000;
/** Of one step, in letters that are handled. */
const STEP = 10;

export class Budget {
	readonly #source: Source;
	#work = 0;
	#output = 0;

	constructor(source: Source) {
		this.#source = source;
	}

	/** Fault: TEMPLATE_TOO_LARGE. */
	step(at: number, letters = 0): void {
		this.#work += STEP + letters;
		if (this.#work > MAX_WORK) throw this.#tooLarge(at, "the work that one may be");
	}

	/** Fault: TEMPLATE_TOO_LARGE. */
	handle(at: number, value: Value): void {
		this.step(at, sizeOf(value));
	}

	/** Fault: TEMPLATE_TOO_LARGE. */
	write(at: number, text: string): void {
		this.#output += Buffer.byteLength(text);
		if (this.#output > MAX_OUTPUT_BYTES) throw this.#tooLarge(at, "1 MB of output");
	}

	/** For one text alone. Fault: TEMPLATE_TOO_LARGE. */
	exceedText(at: number): never {
		throw this.#tooLarge(at, "1 MB of text");
	}

	#tooLarge(at: number, limit: string): Error {
		return templateFaults.TEMPLATE_TOO_LARGE({ at: this.#source.place(at), limit });
	}
}

function sizeOf(value: Value): number {
	if (typeof value === "string" || isList(value)) return value.length;
	return value instanceof Fields ? value.entries.size : 0;
}
