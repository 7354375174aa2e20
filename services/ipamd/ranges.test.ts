import { expect, test } from "vitest";
import { Cidr } from "#lib/address/cidr.ts";
import { Ip } from "#lib/address/ip.ts";
import { Ranges } from "./ranges.ts";
import { Random } from "./test-support/random.ts";

test("is searched by overlap, one family apart from the other", () => {
	const ranges = new Ranges<string>();
	ranges.add(Cidr.parse("10.0.1.0/24"), "a");
	ranges.add(Cidr.parse("10.0.0.0/24"), "b");
	ranges.add(Cidr.parse("fd00::/64"), "c");
	const found = (text: string) => ranges.overlapping(Cidr.parse(text))?.value;
	expect(found("10.0.0.128/25")).toBe("b");
	expect(found("10.0.0.0/8")).toBe("a");
	expect(found("10.0.2.0/24")).toBeUndefined();
	expect(found("9.255.255.0/24")).toBeUndefined();
	expect(found("fd00::1/128")).toBe("c");
	expect(found("::/0")).toBe("c");
	expect([ranges.count, ranges.values(4)]).toEqual([3, ["b", "a"]]);
	ranges.delete(Cidr.parse("10.0.0.0/25"));
	ranges.delete(Cidr.parse("10.0.0.0/24"));
	expect([ranges.count, found("10.0.0.0/24")]).toEqual([2, undefined]);
});

test.each([1, 2, 3])("finds what a look at every range finds (seed %i)", (seed) => {
	const random = new Random(seed);
	const ranges = new Ranges<number>();
	const model: Cidr[] = [];
	for (let round = 0; round < 3_000; round++) {
		const cidr = Cidr.of(Ip.of(4, BigInt(random.below(4_096))), 22 + random.below(11));
		const others = model.filter((other) => other.overlaps(cidr));
		const last = others.sort((a, b) => Number(a.base.value - b.base.value)).at(-1);
		expect(ranges.overlapping(cidr)?.cidr.toString()).toBe(last?.toString());
		if (last === undefined) {
			ranges.add(cidr, round);
			model.push(cidr);
		} else if (random.below(2) === 0) {
			ranges.delete(last);
			model.splice(model.indexOf(last), 1);
		}
		expect(ranges.count).toBe(model.length);
	}
});
