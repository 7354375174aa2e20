import { describe, expect, test } from "vitest";
import { Bitmap } from "./bitmap.ts";
import { Random } from "./test-support/random.ts";

describe("Bitmap", () => {
	test.each([0, 1, 31, 32, 33, 1_023, 1_024, 1_025, 40_000])("of size %i is filled in order, exactly", (size) => {
		const bitmap = new Bitmap(size);
		for (let expected = 0; expected < size; expected++) {
			expect(bitmap.nextAbsent(0)).toBe(expected);
			expect(bitmap.add(expected)).toBe(true);
		}
		expect(bitmap.nextAbsent(0)).toBeUndefined();
		expect(bitmap.count).toBe(size);
		if (size === 0) return;
		expect(bitmap.delete(size - 1)).toBe(true);
		expect(bitmap.nextAbsent(0)).toBe(size - 1);
	});

	test("reaches both ends of its widest size", () => {
		const bitmap = new Bitmap(2 ** 32);
		const last = 2 ** 32 - 1;
		for (const index of [0, 2 ** 31 - 1, 2 ** 31, last]) {
			expect([bitmap.has(index), bitmap.add(index), bitmap.add(index), bitmap.has(index)]).toEqual([
				false,
				true,
				false,
				true,
			]);
		}
		expect(bitmap.nextAbsent(2 ** 31 - 1)).toBe(2 ** 31 + 1);
		expect(bitmap.nextAbsent(last)).toBeUndefined();
		expect(bitmap.nextAbsent(last - 1)).toBe(last - 1);
		expect([bitmap.delete(last), bitmap.delete(last), bitmap.count]).toEqual([true, false, 3]);
	});

	test("is asked about no number that it cannot have", () => {
		const bitmap = new Bitmap(10);
		expect(() => bitmap.add(10)).toThrow(RangeError);
		expect(() => bitmap.has(-1)).toThrow(RangeError);
		expect(() => bitmap.delete(Number.NaN)).toThrow(RangeError);
		expect(bitmap.nextAbsent(10)).toBeUndefined();
		expect(() => new Bitmap(2 ** 32 + 1)).toThrow(RangeError);
	});

	test.each([1, 2, 3, 4])("does what a set of numbers does (seed %i)", (seed) => {
		const random = new Random(seed);
		const size = random.pick([40, 1_000, 5_000, 70_000]);
		const bitmap = new Bitmap(size);
		const model = new Set<number>();
		const nextAbsent = (from: number) => {
			for (let index = from; index < size; index++) if (!model.has(index)) return index;
			return undefined;
		};
		const add = (index: number) => {
			expect(bitmap.add(index)).toBe(!model.has(index));
			model.add(index);
		};
		const remove = (index: number) => expect(bitmap.delete(index)).toBe(model.delete(index));
		const look = (index: number) => {
			expect(bitmap.has(index)).toBe(model.has(index));
			expect(bitmap.nextAbsent(index)).toBe(nextAbsent(index));
		};
		for (let round = 0; round < 20_000; round++) {
			// Close to one place most of the time, so that words and nodes fill up and empty again.
			const index = random.below(4) === 0 ? random.below(size) : random.below(Math.min(size, 300));
			random.pick([add, add, remove, look])(index);
			expect(bitmap.count).toBe(model.size);
		}
	});
});
