/**
 * Regular expressions that names of volumes are filtered by, as users give them.
 *
 * Some of them take for ever (`(a+)+$`), and all of volumed would wait: they have a bound, which only the engine itself can keep.
 */
import { Script } from "node:vm";
import { volumeFaults } from "./faults.ts";

const LONGEST = 200;
const MOST = 20;
/** For all names that are looked at in one go; ten thousand take a millisecond or two. */
const BOUND_MS = 200;

export class NamePatterns {
	readonly #patterns: readonly RegExp[];
	readonly #matches = new Script("names.map((name) => patterns.some((pattern) => pattern.test(name)))");

	private constructor(patterns: readonly RegExp[]) {
		this.#patterns = patterns;
	}

	/** Undefined: there are none. Fault: INVALID_FILTER. */
	static parse(texts: readonly string[]): NamePatterns | undefined {
		if (texts.length > MOST) throw refused(texts[MOST] ?? "", `it is one of more than ${MOST}`);
		return texts.length === 0 ? undefined : new NamePatterns(texts.map(parsePattern));
	}

	/** One of them matches a part of the name, name by name. Fault: INVALID_FILTER. */
	among(names: readonly string[]): readonly boolean[] {
		try {
			return this.#matches.runInNewContext({ names, patterns: this.#patterns }, { timeout: BOUND_MS });
		} catch (error) {
			// It is an Error of that context, and so no instance of this one's.
			if (Object(error).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
			const filter = this.#patterns.map(({ source }) => source).join(" ");
			throw refused(filter, "it takes too long to be compared with the names");
		}
	}
}

function parsePattern(text: string): RegExp {
	if (text.length > LONGEST) throw refused(text, `it has more than ${LONGEST} characters`);
	try {
		return new RegExp(text);
	} catch {
		throw refused(text, "it is no regular expression");
	}
}

function refused(filter: string, problem: string) {
	return volumeFaults.INVALID_FILTER({ filter: filter.slice(0, LONGEST), problem }, { field: "name_patterns" });
}
