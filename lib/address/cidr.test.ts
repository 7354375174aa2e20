import { describe, expect, test } from "vitest";
import { Cidr, IpInterface } from "./cidr.ts";
import { Ip } from "./ip.ts";

const cidr = Cidr.parse;

describe("Cidr.parse", () => {
	test.each([
		"0.0.0.0/0",
		"10.0.0.0/8",
		"10.0.0.4/31",
		"10.0.0.5/32",
		"::/0",
		"fd00::/64",
		"fd00::4/127",
		"fd00::5/128",
	])("%s", (text) => {
		expect(cidr(text).toString()).toBe(text);
	});

	test("a set host bit is refused with the range that was meant", () => {
		expect(() => cidr("10.0.0.5/24")).toThrow(
			expect.objectContaining({ reason: "HOST_BITS_SET", help: "The range is 10.0.0.0/24." }),
		);
		expect(() => cidr("fd00::1/127")).toThrow(expect.objectContaining({ help: "The range is fd00::/127." }));
		expect(() => cidr("10.0.0.1/31")).toThrow(expect.objectContaining({ help: "The range is 10.0.0.0/31." }));
	});

	test.each([
		"",
		"/",
		"10.0.0.0",
		"10.0.0.0/",
		"/8",
		"10.0.0.0/33",
		"10.0.0.0/08",
		"10.0.0.0/+8",
		"10.0.0.0/-1",
		"10.0.0.0/8.0",
		"10.0.0.0/1e1",
		"10.0.0.0/ 8",
		"10.0.0.0/255.0.0.0",
		"10.0.0.0/8/8",
		"010.0.0.0/8",
		"10/8",
		"fd00::/129",
		"fe80::%eth0/64",
		"nonsense/8",
	])("refuses %j", (text) => {
		expect(() => cidr(text)).toThrow(
			expect.objectContaining({
				reason: "INVALID_CIDR",
				message: `${JSON.stringify(text)} is not an address with a prefix length.`,
			}),
		);
	});
});

describe("a Cidr", () => {
	test("has a first, a last and a size", () => {
		const facts = (text: string) => {
			const { first, last, size } = cidr(text);
			return [`${first}`, `${last}`, size];
		};
		expect(facts("172.18.0.0/16")).toEqual(["172.18.0.0", "172.18.255.255", 65_536n]);
		expect(facts("10.0.0.4/31")).toEqual(["10.0.0.4", "10.0.0.5", 2n]);
		expect(facts("10.0.0.5/32")).toEqual(["10.0.0.5", "10.0.0.5", 1n]);
		expect(facts("0.0.0.0/0")).toEqual(["0.0.0.0", "255.255.255.255", 1n << 32n]);
		expect(facts("fd00::4/127")).toEqual(["fd00::4", "fd00::5", 2n]);
		expect(facts("fd00::/64")).toEqual(["fd00::", "fd00::ffff:ffff:ffff:ffff", 1n << 64n]);
		expect(facts("::/0")).toEqual(["::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1n << 128n]);
	});

	test("masks what it is made of", () => {
		expect(Cidr.of(Ip.parse("10.1.2.3"), 20).toString()).toBe("10.1.0.0/20");
		expect(Cidr.of(Ip.parse("fd00::ffff"), 0).toString()).toBe("::/0");
		expect(() => Cidr.of(Ip.parse("10.1.2.3"), 33)).toThrow(RangeError);
		expect(() => Cidr.of(Ip.parse("10.1.2.3"), 1.5)).toThrow(RangeError);
	});

	test("contains addresses and ranges, of its own family only", () => {
		expect(cidr("10.0.0.0/8").contains(Ip.parse("10.255.255.255"))).toBe(true);
		expect(cidr("10.0.0.0/8").contains(Ip.parse("11.0.0.0"))).toBe(false);
		expect(cidr("10.0.0.0/8").contains(cidr("10.0.0.0/8"))).toBe(true);
		expect(cidr("10.0.0.0/8").contains(cidr("10.0.0.0/7"))).toBe(false);
		expect(cidr("0.0.0.0/0").contains(Ip.parse("::1"))).toBe(false);
		expect(cidr("::/0").contains(cidr("10.0.0.0/8"))).toBe(false);
	});

	test("overlaps either way round", () => {
		const wide = cidr("10.0.0.0/8");
		const narrow = cidr("10.9.0.0/16");
		expect([wide.overlaps(narrow), narrow.overlaps(wide), narrow.overlaps(narrow)]).toEqual([true, true, true]);
		expect(cidr("10.8.0.0/16").overlaps(narrow)).toBe(false);
		expect(cidr("0.0.0.0/0").overlaps(cidr("::/0"))).toBe(false);
		expect(cidr("10.0.0.0/8").equals(cidr("10.0.0.0/9"))).toBe(false);
	});
});

describe("IpInterface", () => {
	test("keeps the address and knows the network", () => {
		const address = IpInterface.parse("10.1.2.3/20");
		expect([`${address}`, `${address.ip}`, address.prefix, `${address.network()}`]).toEqual([
			"10.1.2.3/20",
			"10.1.2.3",
			20,
			"10.1.0.0/20",
		]);
		expect(IpInterface.of(Ip.parse("fd00::2"), 64).equals(IpInterface.parse("fd00::2/64"))).toBe(true);
		expect(() => IpInterface.parse("10.1.2.3")).toThrow(expect.objectContaining({ reason: "INVALID_CIDR" }));
		expect(() => IpInterface.of(Ip.parse("10.1.2.3"), 64)).toThrow(RangeError);
	});
});
