import { expect, test } from "vitest";
import { NamePatterns } from "./name-patterns.ts";

test("name by name, whichever of them matches a part of it", () => {
	const patterns = NamePatterns.parse(["^a", "b$"]);
	expect(patterns?.among(["ax", "xa", "xb", "bx"])).toEqual([true, false, true, false]);
	expect(NamePatterns.parse([])).toBeUndefined();
});

test("what would take for ever is refused", () => {
	for (const slow of ["^(a+)+$", "^(a|a)*$"]) {
		const patterns = NamePatterns.parse([slow]);
		expect(() => patterns?.among([`${"a".repeat(120)}!`])).toThrow("it takes too long");
	}
});

test.each([[["("]], [["a".repeat(201)]], [Array.from({ length: 21 }, () => "a")]])("refused: %j", (texts) => {
	expect(() => NamePatterns.parse(texts)).toThrow("is no filter");
});
