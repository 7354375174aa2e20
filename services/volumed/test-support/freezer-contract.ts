/** What every freezer keeps; run by the model and by the kernel's. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Freezer } from "../kernel/freezer.ts";

export interface Subject extends AsyncDisposable {
	readonly freezer: Freezer;
	/** A control group with a process that runs. */
	readonly cgroup: string;
	/** Somebody else freezes it. */
	freeze(): void;
	/** Its process does nothing. */
	stands(): Promise<boolean>;
	/** It does something, now or soon. */
	goesOn(): Promise<boolean>;
}

const BOUND_MS = 10_000;
const never = new AbortController().signal;

export function freezerContract(make: () => Promise<Subject>): void {
	let subject: Subject;
	let freezer: Freezer;
	let cgroup: string;
	beforeEach(async () => {
		subject = await make();
		({ freezer, cgroup } = subject);
	});
	afterEach(() => subject[Symbol.asyncDispose]());

	describe("a control group", () => {
		test("stands still from freezing to thawing, twice as well", async () => {
			for (let round = 0; round < 2; round++) {
				expect([await freezer.observe(cgroup), await subject.goesOn()]).toEqual(["thawed", true]);
				expect(await freezer.freeze(cgroup, BOUND_MS, never)).toBe("thawed");
				expect([await freezer.observe(cgroup), await subject.stands()]).toEqual(["frozen", true]);
				expect(await freezer.freeze(cgroup, BOUND_MS, never)).toBe("frozen");
				await freezer.thaw(cgroup);
				await freezer.thaw(cgroup);
			}
			expect([await freezer.observe(cgroup), await subject.goesOn()]).toEqual(["thawed", true]);
		});

		test("that somebody else has frozen is told, and stays so", async () => {
			subject.freeze();
			expect(await freezer.observe(cgroup)).toBe("frozen");
			expect(await freezer.freeze(cgroup, BOUND_MS, never)).toBe("frozen");
			expect(await subject.stands()).toBe(true);
		});

		test("that is not wanted frozen any more is as it was", async () => {
			const aborted = AbortSignal.abort(new Error("not any more"));
			await expect(freezer.freeze(cgroup, BOUND_MS, aborted)).rejects.toThrow("not any more");
			expect([await freezer.observe(cgroup), await subject.goesOn()]).toEqual(["thawed", true]);
			subject.freeze();
			await expect(freezer.freeze(cgroup, BOUND_MS, aborted)).rejects.toThrow("not any more");
			expect([await freezer.observe(cgroup), await subject.stands()]).toEqual(["frozen", true]);
		});

		test("that is absent has nothing to be stopped", async () => {
			const absent = `${cgroup}-absent`;
			expect(await freezer.observe(absent)).toBe("absent");
			expect(await freezer.freeze(absent, BOUND_MS, never)).toBe("absent");
			await freezer.thaw(absent);
		});
	});
}
