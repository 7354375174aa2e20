import { afterEach, beforeEach, expect, test } from "vitest";
import { runIn, ScratchNetns } from "../test-support/scratch-netns.ts";
import { forwardBaseChains } from "./base-chains.ts";

let scratch: ScratchNetns;
beforeEach(() => {
	scratch = new ScratchNetns();
});
afterEach(() => scratch[Symbol.dispose]());

test("base chains at the forward hook are found in every family, with their policies; no others are", () => {
	const netns = scratch.create("a");
	expect(forwardBaseChains(netns)).toEqual([]);
	const families = ["inet", "ip", "ip6", "bridge"] as const;
	for (const family of families) {
		const policy = family === "ip" ? "accept" : "drop";
		runIn(netns, "nft", "add", "table", family, "t");
		runIn(netns, "nft", `add chain ${family} t onward { type filter hook forward priority 0; policy ${policy}; }`);
		runIn(netns, "nft", `add chain ${family} t inward { type filter hook input priority 0; }`);
		runIn(netns, "nft", `add chain ${family} t aside`);
	}
	const found = forwardBaseChains(netns).map(
		({ family, table, chain, policy }) => `${family} ${table} ${chain} ${policy}`,
	);
	expect(found.sort()).toEqual([
		"bridge t onward drop",
		"inet t onward drop",
		"ip t onward accept",
		"ip6 t onward drop",
	]);
});
