import { beforeEach, describe, expect, it } from "vitest";
import { Health } from "./health.ts";

let now = 0;
let health: Health;

beforeEach(() => {
	now = 1_000;
	health = new Health(() => now);
});

describe("the back-off of a server", () => {
	it("doubles from a second to a minute, each time that it fails when its time has come", () => {
		const waits: number[] = [];
		for (let i = 0; i < 9; i++) {
			health.failed();
			waits.push(health.backOffMs);
			expect(health.isProbeDue).toBe(false);
			now += health.backOffMs;
			expect(health.isProbeDue).toBe(true);
		}
		expect(waits.map((ms) => ms / 1_000)).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
	});

	it("does not grow by a crowd that fails at once", () => {
		for (let i = 0; i < 100; i++) health.failed();
		expect(health.backOffMs).toBe(1_000);
	});

	it("leaves it doubtful until it answers, and then starts anew", () => {
		health.failed();
		now += 5_000;
		expect([health.isDoubtful, health.backOffMs]).toEqual([true, 0]);
		health.failed();
		health.answered(1);
		expect([health.isDoubtful, health.isProbeDue, health.backOffMs]).toEqual([false, false, 0]);
		health.failed();
		expect(health.backOffMs).toBe(1_000);
	});
});

describe("a server that is late", () => {
	it("is doubtful until it answers, and not backed off", () => {
		health.late(now);
		expect([health.isDoubtful, health.isProbeDue]).toEqual([true, false]);
		health.answered(400);
		expect(health.isDoubtful).toBe(false);
	});

	it("is not doubted when it has answered something else meanwhile", () => {
		const askedAtMs = now;
		now += 10;
		health.answered(1);
		now += 300;
		health.late(askedAtMs);
		expect(health.isDoubtful).toBe(false);
	});
});

describe("the time before the next server is asked", () => {
	it("is the most when nothing is known", () => expect(health.hedgeMs(300)).toBe(300));

	it("follows the time that answers take, within a quarter and the whole of the most", () => {
		for (let i = 0; i < 50; i++) health.answered(1);
		expect(health.hedgeMs(300)).toBe(75);
		for (let i = 0; i < 50; i++) health.answered(150);
		expect(health.hedgeMs(300)).toBeGreaterThan(150);
		expect(health.hedgeMs(300)).toBeLessThan(200);
		for (let i = 0; i < 50; i++) health.answered(5_000);
		expect(health.hedgeMs(300)).toBe(300);
	});

	it("is longer when they differ much", () => {
		for (let i = 0; i < 51; i++) health.answered(i % 2 === 0 ? 10 : 110);
		expect(health.smoothedMs).toBeGreaterThan(40);
		expect(health.smoothedMs).toBeLessThan(80);
		expect(health.hedgeMs(1_000)).toBeGreaterThan(200);
	});
});
