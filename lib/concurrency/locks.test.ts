import { describe, expect, test } from "vitest";
import { Locks } from "./locks.ts";

describe("locks", () => {
	test("one at a time on an object, in the order of asking; others are not held up", async () => {
		const locks = new Locks();
		const steps: string[] = [];
		const work = async (id: string, name: string): Promise<void> => {
			using _ = await locks.take(id);
			steps.push(`${name} begins`);
			await new Promise((resolve) => setImmediate(resolve));
			steps.push(`${name} ends`);
		};
		await Promise.all([work("a", "first"), work("a", "second"), work("b", "other")]);
		const ofA = steps.filter((step) => !step.startsWith("other"));
		expect(ofA).toEqual(["first begins", "first ends", "second begins", "second ends"]);
		expect(steps.indexOf("other begins")).toBeLessThan(steps.indexOf("first ends"));
	});

	test("who gives up waiting lets the next one through, and not before the one that has it", async () => {
		const locks = new Locks();
		const first = await locks.take("a");
		const impatient = locks.take("a", AbortSignal.timeout(5));
		let got = false;
		const third = locks.take("a").then((lock) => {
			got = true;
			return lock;
		});
		await expect(impatient).rejects.toThrow(/timeout/);
		expect(got).toBe(false);
		first[Symbol.dispose]();
		(await third)[Symbol.dispose]();
		expect(locks.isTaken("a")).toBe(false);
	});

	test("without waiting: only what nobody has", async () => {
		const locks = new Locks();
		const first = locks.tryTake("a");
		expect([first === undefined, locks.tryTake("a"), locks.isTaken("a")]).toEqual([false, undefined, true]);
		first?.[Symbol.dispose]();
		using again = await locks.take("a");
		expect([again === undefined, locks.tryTake("a")]).toEqual([false, undefined]);
	});
});
