import { describe, expect, test } from "vitest";
import { afterEnd, afterServing, NO_HISTORY } from "./restart-policy.ts";

describe("restarts", () => {
	test("at once, then slower and slower, up to an end", () => {
		let history = afterServing(NO_HISTORY);
		const delays: number[] = [];
		for (let count = 0; count < 9; count++) {
			const { history: next, decision } = afterEnd(history, 0);
			history = next;
			delays.push(decision.restart ? decision.delayMs : Number.NaN);
		}
		expect(delays.slice(0, 3)).toEqual([0, 100, 500]);
		expect(delays).toEqual(delays.toSorted((a, b) => a - b));
		expect(delays.at(-1)).toBe(delays.at(-2));
	});

	test("one that has run for a while begins anew", () => {
		let history = afterServing(NO_HISTORY);
		for (let count = 0; count < 5; count++) ({ history } = afterEnd(history, 0));
		expect(afterEnd(history, 60_000).decision).toEqual({ restart: true, delayMs: 0 });
	});

	test("one that never served is given up; one that did is not", () => {
		const ends = (history: typeof NO_HISTORY): boolean[] => {
			const seen: boolean[] = [];
			let last = history;
			for (let count = 0; count < 5; count++) {
				const { history: next, decision } = afterEnd(last, 0);
				last = next;
				seen.push(decision.restart);
			}
			return seen;
		};
		expect(ends(NO_HISTORY).slice(0, 3)).toEqual([true, true, false]);
		expect(ends(afterServing(NO_HISTORY))).toEqual([true, true, true, true, true]);
	});
});
