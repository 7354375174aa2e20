import { isIP } from "node:net";
import { describe, expect, test } from "vitest";
import { Ip } from "./ip.ts";

describe("Ip.parse", () => {
	test.each([
		["0.0.0.0", 4, 0n],
		["10.1.2.3", 4, 0x0a010203n],
		["255.255.255.255", 4, 0xffffffffn],
		["::", 6, 0n],
		["::1", 6, 1n],
		["2001:DB8::A", 6, 0x20010db800000000000000000000000an],
		["1:2:3:4:5:6:7:8", 6, 0x00010002000300040005000600070008n],
		["64:ff9b::192.0.2.33", 6, 0x0064ff9b0000000000000000c0000221n],
		["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 6, (1n << 128n) - 1n],
	] as const)("%s", (text, family, value) => {
		expect(Ip.parse(text)).toMatchObject({ family, value });
	});

	test.each([
		"",
		"localhost",
		"1.2.3",
		"1.2.3.4.5",
		"1.2.3.256",
		"01.2.3.4",
		"1.2.3.004",
		"0x7f.0.0.1",
		"2130706433",
		" 1.2.3.4",
		"1.2.3.4 ",
		"1.2.3.4\n",
		"1.2.3.4/24",
		"1.2.3.4:80",
		"[::1]",
		"::1%lo",
		"fe80::1%2",
		":::",
		"1::2::3",
		"12345::",
		"1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9",
		"::ffff:1.2.3.04",
		"１.2.3.4",
	])("refuses %j and says so", (text) => {
		expect(() => Ip.parse(text)).toThrow(
			expect.objectContaining({
				reason: "INVALID_ADDRESS",
				code: "INVALID_ARGUMENT",
				message: `${JSON.stringify(text)} is not an IP address.`,
			}),
		);
	});

	test("a refusal quotes at most a line", () => {
		expect(() => Ip.parse("9".repeat(100_000))).toThrow(/^"9{80}…" is not an IP address\.$/);
	});
});

describe("Ip.toString", () => {
	/** The examples of RFC 5952, sections 1 to 5. */
	test.each([
		["2001:0db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1"],
		["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
		["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
		["2001:db8:aaaa:bbbb:cccc:dddd:eeee:AAAA", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:aaaa"],
		["0:0:0:0:0:0:0:0", "::"],
		["0:0:0:0:0:0:0:1", "::1"],
		["1:0:0:0:0:0:0:0", "1::"],
		["0:1:0:1:0:1:0:1", "0:1:0:1:0:1:0:1"],
		["0:0:1:0:0:1:0:0", "::1:0:0:1:0:0"],
		["::ffff:c000:0201", "::ffff:192.0.2.1"],
		["::192.0.2.1", "::c000:201"],
		["192.0.2.1", "192.0.2.1"],
	])("%s is %s", (text, canonical) => {
		expect(Ip.parse(text).toString()).toBe(canonical);
		expect(`${Ip.parse(canonical)}`).toBe(canonical);
	});

	test("agrees with the platform on random addresses", () => {
		let seed = 0x2545f4914f6cdd1dn;
		const random = () => {
			seed ^= (seed << 13n) & 0xffff_ffff_ffff_ffffn;
			seed ^= seed >> 7n;
			seed ^= (seed << 17n) & 0xffff_ffff_ffff_ffffn;
			return seed;
		};
		for (let round = 0; round < 2_000; round++) {
			// Whole groups of zeros, so that runs of every length and place occur.
			const mask = random();
			let value = 0n;
			for (let group = 0n; group < 8n; group++) {
				value = (value << 16n) | ((mask >> group) & 1n ? random() & 0xffffn : 0n);
			}
			if (value >> 32n === 0n || value >> 32n === 0xffffn) continue; // the platform prints ::1.2.3.4 for the first
			const text = Ip.of(6, value).toString();
			expect(isIP(text)).toBe(6);
			expect(new URL(`http://[${text}]/`).hostname).toBe(`[${text}]`);
			expect(Ip.parse(text).value).toBe(value);
		}
	});
});

describe("an Ip", () => {
	test("goes to bytes and back", () => {
		expect([...Ip.parse("10.1.2.255").toBytes()]).toEqual([10, 1, 2, 255]);
		const six = Ip.parse("fd00:1:2:3:4:5:6:ff");
		expect(Buffer.from(six.toBytes()).toString("hex")).toBe("fd0000010002000300040005000600ff");
		for (const ip of [six, Ip.parse("10.1.2.255"), Ip.parse("::"), Ip.parse("255.255.255.255")]) {
			expect(Ip.fromBytes(ip.toBytes()).equals(ip)).toBe(true);
		}
		const within = Uint8Array.of(9, 9, 10, 1, 2, 3, 9).subarray(2, 6);
		expect(Ip.fromBytes(within).toString()).toBe("10.1.2.3");
		expect(() => Ip.fromBytes(new Uint8Array(5))).toThrow(RangeError);
	});

	test("is equal by family and value", () => {
		expect(Ip.parse("::1").equals(Ip.parse("0:0::1"))).toBe(true);
		expect(Ip.of(4, 1n).equals(Ip.of(6, 1n))).toBe(false);
		expect(Ip.parse("::ffff:1.2.3.4").equals(Ip.parse("1.2.3.4"))).toBe(false);
	});

	test("is never outside its family", () => {
		expect(() => Ip.of(4, 1n << 32n)).toThrow(RangeError);
		expect(() => Ip.of(6, -1n)).toThrow(RangeError);
		expect(Ip.parse("10.0.0.255").plus(1n).toString()).toBe("10.0.1.0");
		expect(() => Ip.parse("255.255.255.255").plus(1n)).toThrow(RangeError);
	});

	test("has a reverse name", () => {
		expect(Ip.parse("172.18.0.2").reverseName()).toBe("2.0.18.172.in-addr.arpa");
		expect(Ip.parse("2001:db8::567:89ab").reverseName()).toBe(
			"b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
		);
	});

	test("knows loopback", () => {
		const loopback = ["127.0.0.1", "127.255.255.255", "::1", "128.0.0.1", "126.255.255.255", "::2", "::7f00:1"];
		expect(loopback.map((text) => Ip.parse(text).isLoopback)).toEqual([true, true, true, false, false, false, false]);
	});
});
