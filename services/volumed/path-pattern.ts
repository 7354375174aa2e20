/**
 * One pattern for paths inside a volume: which it covers, and which directories are on the way to what it could.
 *
 * Takes no longer than its length times the path's, however many stars it has and whatever the path is.
 */
import { ANY, type Byte, type ByteClass, NAME, type NamePattern, parsePathPattern } from "./path-pattern-text.ts";

type Parts = readonly (NamePattern | typeof ANY)[];

export class PathPattern {
	readonly #parts: Parts;
	readonly #directoryOrBelow: Parts;
	readonly #fileOrBelow: Parts;

	/** Fault: INVALID_PATTERN, about this field of the request. */
	static parse(text: string, field: string): PathPattern {
		const { parts, isForDirectories } = parsePathPattern(text, field);
		return new PathPattern(parts, isForDirectories);
	}

	private constructor(parts: Parts, isForDirectories: boolean) {
		this.#parts = parts;
		this.#directoryOrBelow = [...parts, ANY];
		// What has something below it is a directory.
		this.#fileOrBelow = isForDirectories ? [...parts, NAME, ANY] : this.#directoryOrBelow;
	}

	/** It matches this path, or a directory above it. */
	covers(path: readonly string[], isDirectory: boolean): boolean {
		return matches(isDirectory ? this.#directoryOrBelow : this.#fileOrBelow, path, isName);
	}

	/** It matches this directory, or could match something below. */
	leadsThrough(directory: readonly string[]): boolean {
		for (const [index, name] of directory.entries()) {
			const part = this.#parts[index];
			if (part === ANY) return true;
			if (part === undefined || !isName(part, name)) return false;
		}
		return true;
	}
}

function isName(pattern: NamePattern, name: string): boolean {
	return typeof pattern === "string" ? pattern === name : matches(pattern, name, isByte);
}

function isByte(pattern: Byte, byte: string): boolean {
	return typeof pattern === "string" ? pattern === byte : isOfClass(pattern, byte);
}

function isOfClass({ ranges, isNegated }: ByteClass, byte: string): boolean {
	for (let at = 0; at < ranges.length; at += 2) {
		if (ranges.charAt(at) <= byte && byte <= ranges.charAt(at + 1)) return !isNegated;
	}
	return isNegated;
}

/**
 * Whether the pattern is the text from end to end.
 *
 * Only the last ANY that was met is tried with more: whatever an earlier one could take besides, the last one can take as well. So
 * no piece meets an item twice.
 */
function matches<P, T>(
	pattern: readonly (P | typeof ANY)[],
	text: ArrayLike<T>,
	isOne: (piece: P, item: T) => boolean,
): boolean {
	let [piece, item, lastAny, retried] = [0, 0, -1, 0];
	while (item < text.length) {
		const next = pattern[piece];
		if (next === ANY) {
			[lastAny, retried] = [piece, item];
			piece += 1;
			// text[item] is there: item is below the length.
		} else if (next !== undefined && isOne(next, text[item] as T)) {
			piece += 1;
			item += 1;
		} else if (lastAny >= 0) {
			retried += 1;
			[piece, item] = [lastAny + 1, retried];
		} else return false;
	}
	while (pattern[piece] === ANY) piece += 1;
	return piece === pattern.length;
}
