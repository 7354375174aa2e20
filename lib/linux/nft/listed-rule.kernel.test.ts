import { afterEach, beforeEach, expect, test } from "vitest";
import { start } from "#lib/exec/run.ts";
import { runIn, ScratchNetns } from "../test-support/scratch-netns.ts";
import { removeLetThrough, LET_THROUGH_RULE } from "./let-through.ts";
import { rulesIn } from "./listed-rule.ts";
import { Nft } from "./nft.ts";

let scratch: ScratchNetns;
let netns: string;
beforeEach(() => {
	scratch = new ScratchNetns();
	netns = scratch.create("a");
});
afterEach(() => scratch[Symbol.dispose]());

test("the rules of a chain, whatever iptables lets it be called; none of one that is not there", () => {
	using nft = Nft.open(netns);
	runIn(netns, "iptables", "-N", "1st;chain");
	runIn(netns, "iptables", "-A", "1st;chain", "-s", "192.0.2.1", "-j", "RETURN");
	const ref = { family: "ip", table: "filter", chain: "1st;chain" } as const;
	const rules = rulesIn(nft, ref);
	expect(rules).toMatchObject([{ ...ref, handle: expect.any(Number) }]);
	expect(rules[0]?.expr.at(-1)).toEqual({ return: null });
	expect(rulesIn(nft, { ...ref, chain: "none" })).toEqual([]);
	expect(rulesIn(nft, { ...ref, table: "none" })).toEqual([]);
});

test("of a table that its program keeps to itself; our own rule is taken out of all others beside it", async () => {
	runIn(netns, "nft", `add table ip t; add chain ip t c; add rule ip t c ${LET_THROUGH_RULE}`);
	const owner = start("nsenter", [`--net=${netns}`, "--", "nft", "-i"], { stdin: "pipe" });
	try {
		owner.stdin.write("add table ip kept { flags owner; }\nadd chain ip kept c\nadd rule ip kept c drop\n");
		await expect.poll(() => runIn(netns, "nft", "list", "ruleset")).toContain("drop");
		using nft = Nft.open(netns);
		for (let turn = 0; turn < 100; turn++) {
			const [rule] = rulesIn(nft, { family: "ip", table: "kept", chain: "c" });
			expect(rule?.expr).toEqual([{ drop: null }]);
		}
		expect(removeLetThrough(netns)).toEqual(["ip t c"]);
		expect(removeLetThrough(netns)).toEqual([]);
	} finally {
		owner.kill("SIGKILL");
		await owner.done;
	}
});
