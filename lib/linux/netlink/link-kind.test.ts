/** Kinds that not every kernel has, so that no test can have them made: their attributes, byte by byte as linux/if_link.h has them. */
import { expect, test } from "vitest";
import { dummyInfo, vlanInfo } from "./link-kind.ts";

test("a VLAN: its kind, and its identifier in 16 bits", () => {
	const kind = "0900 0100 766c616e00 000000";
	const data = "0c00 0280 0600 0100 1e00 0000";
	expect(vlanInfo({ lower: 2, id: 30 }).toString("hex")).toBe(`1c00 1280 ${kind} ${data}`.replaceAll(" ", ""));
});

test("a dummy: its kind, and no more", () => {
	const kind = "0a00 0100 64756d6d7900 0000";
	expect(dummyInfo().toString("hex")).toBe(`1400 1280 ${kind} 0400 0280`.replaceAll(" ", ""));
});
