import { describe, expect, test } from "vitest";
import { Turns } from "./turns.ts";

describe("turns", () => {
	/** Takes the turns; `steps` says who was there when. */
	function taking(turns: Turns, steps: string[]) {
		return (who: string, ...names: string[]): Promise<string> =>
			turns.take(names, async () => {
				steps.push(`${who} begins`);
				await new Promise((resolve) => setImmediate(resolve));
				steps.push(`${who} ends`);
				return who;
			});
	}

	test("one at a time for each name, in the order of asking; other names are not held up", async () => {
		const steps: string[] = [];
		const take = taking(new Turns(), steps);
		expect(await Promise.all([take("first", "a"), take("second", "a"), take("other", "b")])).toEqual([
			"first",
			"second",
			"other",
		]);
		const ofA = steps.filter((step) => !step.startsWith("other"));
		expect(ofA).toEqual(["first begins", "first ends", "second begins", "second ends"]);
		expect(steps.indexOf("other begins")).toBeLessThan(steps.indexOf("first ends"));
	});

	test("several names are taken together: who wants one of them waits, and nobody for each other", async () => {
		const steps: string[] = [];
		const take = taking(new Turns(), steps);
		await Promise.all([take("first", "a", "b"), take("second", "b", "a"), take("third", "b"), take("fourth", "a")]);
		expect(steps.slice(0, 4)).toEqual(["first begins", "first ends", "second begins", "second ends"]);
		// What had one name each in common with the second and none with each other, side by side.
		expect(steps.slice(4)).toEqual(["third begins", "fourth begins", "third ends", "fourth ends"]);
	});

	test("one name that somebody has is enough to wait, whichever it is", async () => {
		const steps: string[] = [];
		const take = taking(new Turns(), steps);
		await Promise.all([take("first", "a"), take("second", "b", "a")]);
		expect(steps).toEqual(["first begins", "first ends", "second begins", "second ends"]);
	});

	test("who comes when the first has ended waits for the one in between", async () => {
		const steps: string[] = [];
		const take = taking(new Turns(), steps);
		const first = take("first", "a");
		const second = take("second", "a");
		await first;
		await Promise.all([second, take("third", "a")]);
		expect(steps.slice(2)).toEqual(["second begins", "second ends", "third begins", "third ends"]);
	});

	test("without a name, and where nobody is before, it begins at once", async () => {
		const steps: string[] = [];
		const take = taking(new Turns(), steps);
		const [none, one] = [take("none"), take("one", "a")];
		expect(steps).toEqual(["none begins", "one begins"]);
		await Promise.all([none, one]);
	});

	test("what fails is the caller's alone: the next one comes, and a name that nobody has is free", async () => {
		const turns = new Turns();
		const steps: string[] = [];
		const failing = turns.take(["a"], () => Promise.reject(new Error("no")));
		const next = taking(turns, steps)("next", "a");
		await expect(failing).rejects.toThrow("no");
		await next;
		void taking(turns, steps)("last", "a");
		expect(steps).toEqual(["next begins", "next ends", "last begins"]);
	});
});
