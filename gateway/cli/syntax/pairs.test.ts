import { expect, test } from "vitest";
import { parseEnvironment, parsePairs } from "./pairs.ts";

test("labels and options", () => {
	expect(parsePairs(["a=1", "b", "c=x=y", "a=2"], "The label")).toEqual({ a: "2", b: "", c: "x=y" });
	expect(() => parsePairs(["=x"], "The label")).toThrow('The label "=x" is not valid: it has to be KEY=VALUE.');
});

test("environments take a value from the caller's, or leave the name out", () => {
	expect(parseEnvironment(["A=1", "B", "C", "D="], { B: "two" })).toEqual(["A=1", "B=two", "D="]);
});
