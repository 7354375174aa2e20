import { expect, test } from "vitest";
import { canonical } from "./canonical.ts";

test("the keys of maps are in order at every depth, lists stay as they are", () => {
	const one = { b: { y: 1, x: [{ q: 1n, p: 2 }, 3] }, a: 0 };
	const other = { a: 0, b: { x: [{ p: 2, q: 1n }, 3], y: 1 } };
	const text = (value: unknown) =>
		JSON.stringify(value, (_, item: unknown) => (typeof item === "bigint" ? `${item}n` : item));
	expect(text(canonical(one))).toBe(text(canonical(other)));
	expect(text(canonical([2, 1]))).toBe("[2,1]");
});

test("bytes, dates and a key named __proto__ are what they were", () => {
	const bytes = new Uint8Array([1, 2]);
	const date = new Date(5);
	expect(canonical({ bytes, date })).toEqual({ bytes, date });
	const strange = JSON.parse('{"b":1,"__proto__":2}') as object;
	expect(Object.keys(canonical(strange))).toEqual(["__proto__", "b"]);
});
