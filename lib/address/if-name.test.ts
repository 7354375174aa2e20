import { expect, test } from "vitest";
import { parseIfName } from "./if-name.ts";

test.each(["eth0", "a", "wh-0123456789ab", "br-lan.100", "naïve", "..."])("takes %j", (text) => {
	expect(parseIfName(text)).toBe(text);
});

test.each(["", ".", "..", "wh-0123456789abc", "ééééééééé", "a b", "a\tb", "a/b", "a:b", "eth%d", "a\0b", "a\n"])(
	"refuses %j",
	(text) => {
		expect(() => parseIfName(text)).toThrow(
			expect.objectContaining({ reason: "INVALID_INTERFACE_NAME", metadata: { text } }),
		);
	},
);
