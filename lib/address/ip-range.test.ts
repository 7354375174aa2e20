import { expect, test } from "vitest";
import { Cidr } from "./cidr.ts";
import { Ip } from "./ip.ts";
import { IpRange } from "./ip-range.ts";

test.each([
	["10.0.0.16/28", 16n, "10.0.0.16/28"],
	["10.0.0.16-10.0.0.31", 16n, "10.0.0.16/28"],
	["10.0.0.10-10.0.0.20", 11n, "10.0.0.10-10.0.0.20"],
	["10.0.0.8-10.0.0.20", 13n, "10.0.0.8-10.0.0.20"],
	["10.0.0.1-10.0.0.16", 16n, "10.0.0.1-10.0.0.16"],
	["10.0.0.7-10.0.0.7", 1n, "10.0.0.7/32"],
	["fd00::10-fd00::1f", 16n, "fd00::10/124"],
	["fd00::10-fd00::1:0", 65_521n, "fd00::10-fd00::1:0"],
	["::/0", 1n << 128n, "::/0"],
])("%s has %i addresses and is written %s", (text, size, written) => {
	const range = IpRange.parse(text);
	expect([range.size, `${range}`]).toEqual([size, written]);
	expect(IpRange.parse(written).equals(range)).toBe(true);
});

test("its first and last address are in it, their neighbours and the other family are not", () => {
	const range = IpRange.parse("10.0.0.10-10.0.0.20");
	const inside = ["10.0.0.9", "10.0.0.10", "10.0.0.20", "10.0.0.21", "::a00:a"].map((text) =>
		range.contains(Ip.parse(text)),
	);
	expect(inside).toEqual([false, true, true, false, false]);
	expect(IpRange.from(Cidr.parse("10.0.0.0/30")).last).toEqual(Ip.parse("10.0.0.3"));
});

test.each([
	["10.0.0.10-10.0.0.20", ["10.0.0.10/31", "10.0.0.12/30", "10.0.0.16/30", "10.0.0.20/32"]],
	["10.0.0.0-10.0.0.2", ["10.0.0.0/31", "10.0.0.2/32"]],
	["0.0.0.0-255.255.255.255", ["0.0.0.0/0"]],
	["fd00::1-fd00::4", ["fd00::1/128", "fd00::2/127", "fd00::4/128"]],
])("%s is the networks %j", (text, networks) => {
	expect([...IpRange.parse(text).cidrs()].map(String)).toEqual(networks);
});

test.each([
	["10.0.0.20-10.0.0.10", "INVALID_RANGE"],
	["10.0.0.1-fd00::1", "INVALID_RANGE"],
	["10.0.0.1-", "INVALID_ADDRESS"],
	["-10.0.0.1", "INVALID_ADDRESS"],
	["10.0.0.1-10.0.0.2-10.0.0.3", "INVALID_ADDRESS"],
	["10.0.0.1 - 10.0.0.2", "INVALID_ADDRESS"],
	["10.0.0.1", "INVALID_CIDR"],
	["10.0.0.1/24", "HOST_BITS_SET"],
	["10.0.0.0/24-10.0.1.0/24", "INVALID_ADDRESS"],
	["", "INVALID_CIDR"],
])("%j is refused: %s", (text, reason) => {
	expect(() => IpRange.parse(text)).toThrow(expect.objectContaining({ reason }));
});
