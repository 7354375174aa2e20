import { describe, expect, test } from "vitest";
import { Printed } from "./output-stream.ts";

/** What is printed of a log that is read a second time. */
function rest(printed: readonly number[], again: readonly number[]): number[] {
	const noted = new Printed();
	for (const time of printed) noted.add(time);
	const isPrinted = noted.again();
	return again.filter((time) => !isPrinted(time));
}

describe("a log that is read again", () => {
	test.each([
		["is whole", [1, 2, 2], [1, 2, 2, 2, 3], [2, 3]],
		["has lost its oldest entries", [1, 2, 2, 3], [2, 3, 3, 4], [3, 4]],
		["has lost all that was printed", [1, 2], [5, 6], [5, 6]],
		["has nothing new", [1, 2], [1, 2], []],
		["was never read", [], [1, 1], [1, 1]],
		["is of a clock that was set back", [8, 9], [8, 9, 1, 2], [1, 2]],
	])("%s", (_, printed, again, expected) => expect(rest(printed, again)).toEqual(expected));
});
