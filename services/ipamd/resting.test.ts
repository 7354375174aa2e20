import { expect, test } from "vitest";
import { Resting } from "./resting.ts";
import { Random } from "./test-support/random.ts";

test.each([1, 2, 3])("is a queue with removal from the middle (seed %i)", (seed) => {
	const random = new Random(seed);
	const resting = new Resting();
	let model: { value: number; since: number }[] = [];
	const find = (value: number) => model.find((entry) => entry.value === value);
	const remove = (value: number) => {
		expect(resting.delete(value)).toBe(find(value) !== undefined);
		model = model.filter((entry) => entry.value !== value);
	};
	const steps = {
		push: (value: number, since: number) => {
			if (find(value) !== undefined) return;
			resting.push(value, since);
			model.push({ value, since });
		},
		remove,
		removeOldest: () => remove(model[0]?.value ?? 0),
		putBack: () => {
			const entry = model[random.below(Math.min(3, model.length))];
			if (entry === undefined) return;
			resting.delete(entry.value);
			resting.putBack(entry.value, entry.since);
		},
	};
	const { push, removeOldest, putBack } = steps;
	for (let round = 0; round < 20_000; round++) {
		const value = random.below(400);
		// Waves, so that it grows to hundreds and shrinks to none.
		if (round % 4_000 < 2_000) random.pick([push, push, push, push, remove, removeOldest, putBack])(value, round);
		else random.pick([push, remove, remove, removeOldest, removeOldest, putBack])(value, round);
		const { value: oldest, since } = resting.oldest() ?? {};
		expect([resting.count, oldest, since]).toEqual([model.length, model[0]?.value, model[0]?.since]);
		expect(resting.since(value)).toBe(find(value)?.since);
	}
});
