import { expect, test } from "vitest";
import * as attribute from "./attribute.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test("attributes have length, type and padded payload", () => {
	expect(hex(attribute.u8(5, 0xab))).toBe("05000500ab000000");
	expect(hex(attribute.u16(5, 0x1234))).toBe("0600050034120000");
	expect(hex(attribute.u32(4, 1500))).toBe("08000400dc050000");
	expect(hex(attribute.be16(15, 4789))).toBe("06000f0012b50000");
	expect(hex(attribute.be32(1, -3))).toBe("08000100fffffffd");
	expect(hex(attribute.string(3, "eth0"))).toBe("090003006574683000000000");
});

test("nested attributes are marked, and undefined ones are left out", () => {
	const kind = attribute.nested(18, [undefined, attribute.string(1, "veth"), undefined]);
	expect(hex(kind)).toBe("10001280090001007665746800000000");
});

test("what was encoded is read back", () => {
	const set = attribute.AttributeSet.decode(
		attribute.join([
			attribute.u8(1, 7),
			attribute.u16(2, 700),
			attribute.u32(3, 70_000),
			attribute.be16(4, 443),
			attribute.be32(5, 0xdead_beef),
			attribute.string(6, "ä"),
			attribute.nested(7, [attribute.string(1, "inside")]),
		]),
	);
	expect([set.u8(1), set.u16(2), set.u32(3), set.be16(4), set.be32(5), set.string(6)]).toEqual([
		7,
		700,
		70_000,
		443,
		0xdead_beef,
		"ä",
	]);
	expect(set.nested(7)?.string(1)).toBe("inside");
	expect([set.u32(99), set.string(99), set.nested(99)]).toEqual([undefined, undefined, undefined]);
});

test("repeated attributes are read one by one", () => {
	const list = attribute.join([attribute.u8(1, 1), attribute.u8(1, 2)]);
	expect([...attribute.sequence(list)].map(([type, payload]) => [type, payload[0]])).toEqual([
		[1, 1],
		[1, 2],
	]);
});

test("reading ends where lengths make no sense", () => {
	expect([...attribute.sequence(Buffer.from("0300010001000000", "hex"))]).toEqual([]);
	expect([...attribute.sequence(Buffer.from("ff00010001000000", "hex"))]).toEqual([]);
	expect([...attribute.sequence(Buffer.from("0400", "hex"))]).toEqual([]);
});

test("a payload that a length of 16 bits cannot say is refused", () => {
	expect(() => attribute.bytes(1, Buffer.alloc(65_532))).toThrow(RangeError);
});
