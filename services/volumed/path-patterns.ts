/**
 * What of a volume's content is taken, by patterns for its paths: everything that is not excluded, and where something is included
 * only that. What a pattern matches it matches with everything below; what is excluded stays so, included or not.
 */
import { volumeFaults } from "./faults.ts";
import { PathPattern } from "./path-pattern.ts";

/** `path-pattern-text.ts` has how they are written. */
export interface PathPatternTexts {
	readonly include: readonly string[];
	readonly exclude: readonly string[];
}

/**
 * - `take`: it is taken. Of a directory that says nothing about what is below it.
 * - `pass`: a directory on the way to what could be included. It is taken as such, with its attributes.
 * - `leave`: neither it nor anything below is taken.
 */
export type Verdict = "take" | "pass" | "leave";

const MOST = 1_000;

export class PathPatterns {
	readonly #include: readonly PathPattern[];
	readonly #exclude: readonly PathPattern[];

	/** At most 1,000 together, of 4,096 bytes each. Fault: INVALID_PATTERN. */
	static parse({ include, exclude }: PathPatternTexts): PathPatterns {
		const surplus = [...include, ...exclude][MOST];
		if (surplus !== undefined) {
			const problem = `it is one of more than ${MOST}`;
			const field = include.length > MOST ? "include" : "exclude";
			throw volumeFaults.INVALID_PATTERN({ pattern: surplus.slice(0, 200), problem }, { field });
		}
		return new PathPatterns(
			include.map((text) => PathPattern.parse(text, "include")),
			exclude.map((text) => PathPattern.parse(text, "exclude")),
		);
	}

	private constructor(include: readonly PathPattern[], exclude: readonly PathPattern[]) {
		this.#include = include;
		this.#exclude = exclude;
	}

	/**
	 * The path is relative to the volume and without a leading `./`: latin1 characters, one for each byte. Empty is the root, which is
	 * never left. Nothing need have been asked of the directories above it. A name without a slash could be anywhere: where one is
	 * included, every directory is passed.
	 */
	verdict(path: string, isDirectory: boolean): Verdict {
		const parts = path === "" ? [] : path.split("/");
		if (this.#exclude.some((pattern) => pattern.covers(parts, isDirectory))) return "leave";
		if (this.#include.length === 0) return "take";
		if (this.#include.some((pattern) => pattern.covers(parts, isDirectory))) return "take";
		return isDirectory && this.#include.some((pattern) => pattern.leadsThrough(parts)) ? "pass" : "leave";
	}
}
