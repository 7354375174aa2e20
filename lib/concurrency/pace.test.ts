import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { Pace } from "./pace.ts";

test("the first at once, the others one in each turn of the loop, in order; afterwards at once again", async () => {
	const pace = new Pace();
	const steps: string[] = [];
	const work = async (name: string): Promise<void> => {
		await pace.next();
		steps.push(name);
	};
	const all = Promise.all([work("a"), work("b"), work("c")]);
	await Promise.resolve();
	expect(steps).toEqual(["a"]);
	for (const soFar of [
		["a", "b"],
		["a", "b", "c"],
	]) {
		await setImmediate();
		expect(steps).toEqual(soFar);
	}
	await all;
	await setImmediate();
	const again = work("d");
	await Promise.resolve();
	expect(steps.at(-1)).toBe("d");
	await again;
});
