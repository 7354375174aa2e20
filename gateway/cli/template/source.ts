/** The text of a template, and where in it something is. */
import type { Fault } from "#lib/fault/fault.ts";
import { templateFaults } from "./faults.ts";

export class Source {
	readonly text: string;

	constructor(text: string) {
		this.text = text;
	}

	/** Line and column, from 1: `1:8`. */
	place(at: number): string {
		const before = this.text.slice(0, at).split("\n");
		return `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
	}

	/** INVALID_TEMPLATE. */
	invalid(at: number, problem: string): Fault {
		return templateFaults.INVALID_TEMPLATE({ at: this.place(at), problem });
	}
}
