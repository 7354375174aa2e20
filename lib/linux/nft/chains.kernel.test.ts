import { afterEach, beforeEach, expect, test } from "vitest";
import { runIn, ScratchNetns } from "../test-support/scratch-netns.ts";
import { listChains } from "./chains.ts";

let scratch: ScratchNetns;
beforeEach(() => {
	scratch = new ScratchNetns();
});
afterEach(() => scratch[Symbol.dispose]());

test("all chains are found in every family, and which are at the forward hook, with their policies", () => {
	const netns = scratch.create("a");
	expect(listChains(netns)).toEqual([]);
	const families = ["inet", "ip", "ip6", "bridge"] as const;
	for (const family of families) {
		const policy = family === "ip" ? "accept" : "drop";
		runIn(netns, "nft", "add", "table", family, "t");
		runIn(netns, "nft", `add chain ${family} t onward { type filter hook forward priority 0; policy ${policy}; }`);
		runIn(netns, "nft", `add chain ${family} t inward { type filter hook input priority 0; }`);
		runIn(netns, "nft", `add chain ${family} t aside`);
	}
	runIn(netns, "nft", "add table netdev t");
	runIn(netns, "nft", `add chain netdev t early { type filter hook ingress device lo priority 0; }`);
	const found = listChains(netns);
	expect(found.map(({ family, chain }) => `${family} ${chain}`).sort()).toEqual(
		[
			"netdev early",
			...families.flatMap((family) => ["onward", "inward", "aside"].map((chain) => `${family} ${chain}`)),
		].sort(),
	);
	const onward = found.flatMap(({ forward }) => forward ?? []);
	expect(onward.map(({ family, table, chain, policy }) => `${family} ${table} ${chain} ${policy}`).sort()).toEqual([
		"bridge t onward drop",
		"inet t onward drop",
		"ip t onward accept",
		"ip6 t onward drop",
	]);
});
