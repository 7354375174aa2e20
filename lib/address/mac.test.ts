import { describe, expect, test } from "vitest";
import { Ip } from "./ip.ts";
import { macFromBytes, macFromIp, macToBytes, parseMac } from "./mac.ts";

describe("parseMac", () => {
	test("is canonical", () => {
		expect(parseMac("02:42:AC:11:00:02")).toBe("02:42:ac:11:00:02");
		expect(parseMac("02-42-ac-11-00-02")).toBe("02:42:ac:11:00:02");
	});

	test.each([
		"",
		"02:42:ac:11:00",
		"02:42:ac:11:00:02:03",
		"2:42:ac:11:0:2",
		"0242ac110002",
		"02:42-ac:11:00:02",
		"0g:42:ac:11:00:02",
		"02:42:ac:11:00:02\n",
		"00:00:00:00:00:00",
		"01:00:5e:00:00:01",
		"ff:ff:ff:ff:ff:ff",
	])("refuses %j", (text) => {
		expect(() => parseMac(text)).toThrow(expect.objectContaining({ reason: "INVALID_MAC", metadata: { text } }));
	});
});

test("goes to bytes and back", () => {
	const mac = parseMac("02:42:ac:11:00:0f");
	expect([...macToBytes(mac)]).toEqual([2, 0x42, 0xac, 0x11, 0, 15]);
	expect(macFromBytes(macToBytes(mac))).toBe(mac);
	expect(macFromBytes(new Uint8Array(6))).toBe("00:00:00:00:00:00");
	expect(() => macFromBytes(new Uint8Array(8))).toThrow(RangeError);
});

test("comes from an IPv4 address as Docker makes it", () => {
	expect(macFromIp(Ip.parse("172.17.0.2"))).toBe("02:42:ac:11:00:02");
});

test("comes from an IPv6 address, valid, and differs where the address does", () => {
	const macs = Array.from({ length: 1_000 }, (_, index) => macFromIp(Ip.parse("fd00::").plus(BigInt(index))));
	expect(new Set(macs).size).toBe(1_000);
	expect(macs.every((mac) => parseMac(mac).startsWith("02:"))).toBe(true);
});
