import { expect, test } from "vitest";
import { parseIfName } from "#lib/address/if-name.ts";
import { Ip } from "#lib/address/ip.ts";
import { decodeElements, encodeElements, partAt } from "./element.ts";
import { address, concatenation, ifname, inetProto, service } from "./field.ts";

const ref = { family: "inet", table: "t", set: "ports" } as const;

test("one field stands as it is, several are padded to four bytes each", () => {
	expect(concatenation(service(8080)).toString("hex")).toBe("1f90");
	expect(concatenation(inetProto("tcp"), service(8080)).toString("hex")).toBe("060000001f900000");
	expect(concatenation(address(Ip.parse("10.0.0.2")), service(80)).toString("hex")).toBe("0a00000200500000");
	expect(concatenation(ifname(parseIfName("eth0"))).toString("hex")).toBe("65746830000000000000000000000000");
});

test("an element is framed as nfnetlink has it", () => {
	const body = encodeElements(ref, [{ key: concatenation(service(80)), data: { verdict: "jump", chain: "c" } }]);
	const parts = [
		"01000000", // inet, version 0
		"06000100 74000000", // table
		"0a000200 706f7274 73000000", // set
		"2c000380 28000180", // elements, element
		"0c000180 06000100 00500000", // key: a value
		"18000280 14000280 08000100 fffffffd 06000200 63000000", // datum: a verdict, jump c
	];
	expect(body.toString("hex")).toBe(parts.join("").replaceAll(" ", ""));
});

test("what was encoded is decoded", () => {
	const elements = [
		{ key: concatenation(service(80)), data: concatenation(address(Ip.parse("10.0.0.2"))) },
		{ key: concatenation(service(81)), data: { verdict: "goto", chain: "c" } },
		{ key: concatenation(service(82)), data: { verdict: "drop" } },
		{ key: concatenation(service(83)) },
	] as const;
	expect(decodeElements(encodeElements(ref, elements))).toEqual(elements);
	expect(decodeElements(encodeElements(ref, []))).toEqual([]);
});

test("an offset names the part of the message", () => {
	expect([20, 28, 40, undefined].map((offset) => partAt(ref, offset))).toEqual(["table", "set", "element", "element"]);
});
