import { expect, test } from "vitest";
import { atMost } from "./few-extents.ts";

const extents = [0, 10, 20, 30, 40].map((start) => ({ start, length: 5 }));

test.each([
	[6, extents],
	[5, extents],
	[3, [...extents.slice(0, 2), { start: 20, length: 25 }]],
	[1, [{ start: 0, length: 45 }]],
])("at most %i parts of a file hold all of its data", (most, few) => {
	expect(atMost(most, extents)).toEqual(few);
});

test("of a hole there is none", () => {
	expect(atMost(3, [])).toEqual([]);
});
