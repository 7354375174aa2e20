/** The order of a name's addresses; what is answered to which question is in semantics.test.ts. */
import { expect, it } from "vitest";
import { answer } from "./answer.ts";
import { queryOf } from "./test-support/ask.ts";
import { askerOfWeb } from "./test-support/asker.ts";
import { decode } from "./test-support/decode.ts";

function addresses(name: string): readonly string[] {
	const outcome = answer(queryOf({ name }), askerOfWeb(true), "udp");
	if (outcome.kind !== "answer") throw new Error(`expected an answer, got ${outcome.kind}`);
	return decode(outcome.packet).answers.map(({ data }) => data);
}

it("is another one from query to query: each comes first at times, and all are there", () => {
	const firsts = new Map<string | undefined, number>();
	for (let i = 0; i < 1_000; i++) {
		const all = addresses("pool");
		expect(all.toSorted()).toEqual(["172.18.0.4", "172.18.0.5"]);
		firsts.set(all[0], (firsts.get(all[0]) ?? 0) + 1);
	}
	// With a fair coin, fewer than 350 of either happen once in 10^21 runs.
	expect(Math.min(...firsts.values(), firsts.size === 2 ? 1_000 : 0)).toBeGreaterThan(350);
});

it("leaves a different part of too many addresses in each answer", () => {
	const seen = new Set<string>();
	for (let i = 0; i < 20; i++) for (const address of addresses("crowd")) seen.add(address);
	expect(seen.size).toBeGreaterThan(300);
});
