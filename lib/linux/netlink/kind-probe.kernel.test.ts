import { afterEach, beforeEach, expect, test } from "vitest";
import { ipJson, ScratchNetns } from "../test-support/scratch-netns.ts";
import { hasLinkKind } from "./kind-probe.ts";

let scratch: ScratchNetns;
beforeEach(() => {
	scratch = new ScratchNetns();
});
afterEach(() => scratch[Symbol.dispose]());

test("kinds that the kernel has and has not are told apart, and nothing is made", () => {
	const netns = scratch.create("a");
	const before = ipJson(netns, "link");
	expect(["bridge", "veth", "no-such-kind"].map((kind) => hasLinkKind(kind, netns))).toEqual([true, true, false]);
	expect(ipJson(netns, "link")).toEqual(before);
});
