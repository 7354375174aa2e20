import { expect, test } from "vitest";
import { Expansion, USUAL_TIMES } from "./expansion.ts";

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;

const none = 0;
const refusal = expect.objectContaining({ reason: "ARCHIVE_EXPANDS" }) as Error;

test("a GiB may come of anything, and not a byte more of what is too small for it", () => {
	const expansion = new Expansion(none, USUAL_TIMES);
	expansion.take(GIB, 1000);
	expect(() => expansion.take(1, 1000)).toThrow(refusal);
});

test("of a file as much may come as all of it allows, though its beginning would not", () => {
	const expansion = new Expansion(none, USUAL_TIMES);
	for (let part = 0; part < 2000; part++) expansion.take(MIB, 4 * MIB);
	expect(() => expansion.take(1, 4 * MIB)).toThrow(refusal);
});

test("of a stream more and more may come while more and more of it is read", () => {
	const expansion = new Expansion(none, USUAL_TIMES);
	let stored = 0;
	for (let part = 0; part < 10; part++) {
		stored += 4 * MIB;
		expansion.take(2000 * MIB, stored);
	}
	expect(() => expansion.take(1, stored)).toThrow(refusal);
});

test("what is stored in as many bytes as one that was made here may become that, and not a byte more", () => {
	const expansion = new Expansion(5 * GIB, USUAL_TIMES);
	for (let part = 0; part < 5; part++) expansion.take(GIB, 1000);
	expect(() => expansion.take(1, 1000)).toThrow(refusal);
});

test("what is trusted may become as much as it is allowed, and not a byte more", () => {
	const expansion = new Expansion(none, 4_000);
	expansion.take(4_000 * MIB, MIB);
	expect(() => expansion.take(1, MIB)).toThrow("more than 4000 times");
});
