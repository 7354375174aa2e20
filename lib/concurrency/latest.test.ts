import { expect, test } from "vitest";
import { Latest } from "./latest.ts";

const made = (bound = 3) => new Latest<string, number>(bound, () => new Error("too slow"));

test("a reader is told the latest of each key, in the order of the last changes", async () => {
	const latest = made();
	latest.push("a", 1);
	latest.push("b", 2);
	latest.push("a", 3);
	const values = latest.values();
	expect([(await values.next()).value, (await values.next()).value]).toEqual([2, 3]);
	const waiting = values.next();
	latest.push("a", 4);
	expect(await waiting).toEqual({ value: 4, done: false });
	latest.push("a", 5);
	latest.end();
	expect(await values.next()).toEqual({ value: undefined, done: true });
});

test("one that waits is told of the end", async () => {
	const latest = made();
	const waiting = latest.values().next();
	latest.end();
	expect([await waiting, latest.isOver]).toEqual([{ value: undefined, done: true }, true]);
});

test("one that is too far behind gets the error, and nothing more", async () => {
	const latest = made();
	for (const key of ["a", "b", "c", "a", "b", "c"]) latest.push(key, 0);
	expect(latest.isOver).toBe(false);
	latest.push("d", 0);
	latest.push("e", 0);
	await expect(latest.values().next()).rejects.toThrow("too slow");
});
