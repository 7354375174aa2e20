/** Our rule with other programs, as the operator has it, on the model. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createLog } from "#lib/log/log.ts";
import { ModelKernel } from "../kernel/model/model.ts";
import { ModelAllocator } from "../peers/model-allocator.ts";
import { bench } from "../test-support/netd.ts";
import { ForeignRules } from "./foreign.ts";

const PLACE = "ip filter DOCKER-USER";

let kernel: ModelKernel;
beforeEach(() => {
	kernel = new ModelKernel();
	kernel.foreign.write(PLACE, { drops: true });
});
afterEach(() => void vi.useRealTimers());

test("it is made by consent, and gone with it", async () => {
	for (const adapts of [false, true, false]) {
		await using _process = await bench({
			kernel,
			allocator: new ModelAllocator(),
			netnsPath: (id) => `/netns/${id}`,
			adapts,
		});
		expect(kernel.foreign.observe()).toEqual(adapts ? [PLACE] : []);
	}
});

function rules(adapts: boolean, unfinished = (): void => {}): ForeignRules {
	vi.useFakeTimers();
	return new ForeignRules({
		parts: { kernel, log: createLog({ service: "netd", level: "silent" }) },
		adapts,
		unfinished,
	});
}

test("while others are at work it is left alone, and made when they are through", () => {
	using foreign = rules(true);
	foreign.changed();
	for (let change = 0; change < 5; change += 1) {
		vi.advanceTimersByTime(200);
		foreign.changed();
		foreign.keep();
		expect(kernel.foreign.observe()).toEqual([]);
	}
	vi.advanceTimersByTime(1_000);
	expect(kernel.foreign.observe()).toEqual([PLACE]);
});

test("somebody who is never through is not waited for", () => {
	using foreign = rules(true);
	for (let change = 0; change < 50; change += 1) {
		foreign.changed();
		vi.advanceTimersByTime(100);
	}
	expect(kernel.foreign.observe()).toEqual([PLACE]);
});

test("without consent their changes are nobody's business", () => {
	using foreign = rules(false);
	foreign.changed();
	vi.advanceTimersByTime(10_000);
	expect(kernel.foreign.observe()).toEqual([]);
});

test("what cannot be done is left to reconciliation", () => {
	let told = 0;
	using foreign = rules(true, () => (told += 1));
	kernel.fail("foreign.letThrough");
	foreign.changed();
	vi.advanceTimersByTime(1_000);
	expect(told).toBe(1);
	foreign.keep();
	expect(kernel.foreign.observe()).toEqual([PLACE]);
});
