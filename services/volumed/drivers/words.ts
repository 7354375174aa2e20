/** Somebody else's words as a part of a sentence: one line without what a terminal would act on, and not too long. */

const LONGEST = 300;

/** `it said nothing` when nothing is left. */
export function lineOf(words: string): string {
	const line = words
		.slice(0, 4 * LONGEST)
		.replaceAll(/[\p{C}\s]+/gu, " ")
		.trim()
		.replace(/\.$/, "");
	if (line === "") return "it said nothing";
	return line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line;
}
