import { describe, expect, it } from "vitest";
import { Table } from "./table.ts";

/** mulberry32: the same numbers for the same seed. */
function random(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let t = Math.imul(state ^ (state >>> 15), 1 | state);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
	};
}

describe("Table", () => {
	it("does what a Map does, and leaves every earlier value as it was", { timeout: 30_000 }, () => {
		const next = random(7);
		const model = new Map<string, number>();
		let table = Table.empty<number>();
		let earlier = table;
		let earlierModel = new Map(model);
		for (let i = 0; i < 20_000; i++) {
			const key = `name-${Math.floor(next() * 700)}`;
			if (next() < 0.4) {
				model.delete(key);
				table = table.without(key);
			} else {
				model.set(key, i);
				table = table.with(key, i);
			}
			if (i === 9_000) {
				earlier = table;
				earlierModel = new Map(model);
			}
		}
		for (const [tried, wanted] of [
			[table, model],
			[earlier, earlierModel],
		] as const) {
			expect(tried.size).toBe(wanted.size);
			for (let i = 0; i < 700; i++) expect(tried.get(`name-${i}`)).toBe(wanted.get(`name-${i}`));
			expect([...tried.values()].toSorted()).toEqual([...wanted.values()].toSorted());
		}
	});

	it("keeps keys apart whose hashes are the same", () => {
		// These two meet in FNV-1a's 32 bits.
		const table = Table.empty<string>().with("costarring", "a").with("liquid", "b");
		expect([table.get("costarring"), table.get("liquid")]).toEqual(["a", "b"]);
		const rest = table.without("costarring");
		expect([rest.get("costarring"), rest.get("liquid"), rest.size]).toEqual([undefined, "b", 1]);
	});

	it("is itself when what is dropped is not there", () => {
		const table = Table.empty<number>().with("a", 1);
		expect(table.without("b")).toBe(table);
		expect(table.without("a").size).toBe(0);
	});
});
