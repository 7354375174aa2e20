import { describe, expect, test } from "vitest";
import { Cidr } from "#lib/address/cidr.ts";
import { Ip } from "#lib/address/ip.ts";
import { Chooser, type Obstacle, type PoolSpec } from "./choice.ts";
import { defaultPools, uniqueLocal } from "./default-pools.ts";
import { Ranges } from "./ranges.ts";
import { Random } from "./test-support/random.ts";

function made(...pools: (readonly [string, number])[]) {
	return chooser(pools.map(([base, prefix]) => ({ base: Cidr.parse(base), prefix })));
}

function chooser(pools: readonly PoolSpec[]) {
	const taken = new Ranges<string>();
	const chooser = new Chooser(pools, taken);
	const choose = (obstacles: readonly string[] = [], prefix?: number, family: 4 | 6 = 4) => {
		const choice = chooser.choose(family, obstacles.map(obstacle), prefix);
		if (choice !== undefined) taken.add(choice.cidr, "");
		return choice?.cidr.toString();
	};
	const free = (text: string) => {
		taken.delete(Cidr.parse(text));
		chooser.freed(Cidr.parse(text));
	};
	return { taken, chooser, choose, free };
}

function obstacle(text: string): Obstacle {
	return { cidr: Cidr.parse(text), what: `this host's route ${text}` };
}

function times<T>(count: number, body: () => T): T[] {
	return Array.from({ length: count }, () => body());
}

describe("a choice", () => {
	test("is the lowest free subnet of the first pool that has one", () => {
		const { choose, free } = made(["10.1.0.0/23", 24], ["10.9.0.0/24", 25]);
		expect(times(5, () => choose())).toEqual(["10.1.0.0/24", "10.1.1.0/24", "10.9.0.0/25", "10.9.0.128/25", undefined]);
		free("10.1.1.0/24");
		free("10.1.0.0/24");
		expect([choose(), choose(), choose()]).toEqual(["10.1.0.0/24", "10.1.1.0/24", undefined]);
	});

	test("goes round what was asked for by name, however it lies", () => {
		const { taken, choose, free } = made(["10.1.0.0/22", 24]);
		taken.add(Cidr.parse("10.1.0.8/30"), "small");
		taken.add(Cidr.parse("10.1.2.0/23"), "large");
		expect([choose(), choose()]).toEqual(["10.1.1.0/24", undefined]);
		free("10.1.2.0/23");
		expect([choose(), choose(), choose()]).toEqual(["10.1.2.0/24", "10.1.3.0/24", undefined]);
		free("10.1.0.8/30");
		expect(choose()).toBe("10.1.0.0/24");
	});

	test("a range that held a whole pool is free in all of it", () => {
		const { taken, choose, free } = made(["10.1.0.0/24", 25], ["10.1.2.0/24", 24]);
		taken.add(Cidr.parse("10.0.0.0/8"), "all");
		expect(choose()).toBeUndefined();
		free("10.0.0.0/8");
		expect(times(4, () => choose())).toEqual(["10.1.0.0/25", "10.1.0.128/25", "10.1.2.0/24", undefined]);
	});

	test("goes round what is the host's, and takes it when that has gone", () => {
		const { choose } = made(["10.1.0.0/22", 24]);
		const host = ["10.1.0.17/32", "10.1.1.0/24"];
		expect([choose(host), choose(host), choose(host)]).toEqual(["10.1.2.0/24", "10.1.3.0/24", undefined]);
		expect(choose(["10.1.1.0/24"])).toBe("10.1.0.0/24");
		expect(choose()).toBe("10.1.1.0/24");
	});

	test("of another size is aligned to it", () => {
		const { choose } = made(["10.1.0.0/16", 24]);
		expect([choose([], 28), choose([], 28), choose(), choose([], 20), choose([], 28)]).toEqual([
			"10.1.0.0/28",
			"10.1.0.16/28",
			"10.1.1.0/24",
			"10.1.16.0/20",
			"10.1.0.32/28",
		]);
		expect(choose([], 15)).toBeUndefined();
	});

	test("a route to the whole pool blocks it; one to more than that only sends it to the end", () => {
		const pools = [
			["10.1.0.0/24", 24],
			["10.2.0.0/24", 24],
		] as const;
		expect(made(...pools).choose(["10.1.0.0/24"])).toBe("10.2.0.0/24");
		const { chooser, choose } = made(...pools);
		expect(choose(["10.1.0.0/16"])).toBe("10.2.0.0/24");
		expect(chooser.choose(4, [obstacle("10.1.0.0/16")])).toEqual({
			cidr: Cidr.parse("10.1.0.0/24"),
			inside: [obstacle("10.1.0.0/16")],
		});
	});

	test("default routes are nothing to speak of", () => {
		const { chooser } = made(["10.1.0.0/24", 24]);
		const everything = ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1"].map(obstacle);
		expect(chooser.choose(4, everything)).toEqual({ cidr: Cidr.parse("10.1.0.0/24"), inside: [] });
	});

	test.each([1, 2, 3, 4])("is always the lowest that overlaps nothing (seed %i)", (seed) => {
		const random = new Random(seed);
		const base = Cidr.parse("10.4.0.0/22");
		const { taken, chooser, free } = made([`${base}`, 26]);
		const known: Cidr[] = [];
		const some = () => Cidr.of(base.first.plus(BigInt(random.below(1_024))), 23 + random.below(8));
		for (let round = 0; round < 2_000; round++) {
			const host = times(random.below(3), some);
			const prefix = random.pick([undefined, undefined, 25, 28]);
			const choice = chooser.choose(
				4,
				host.map((cidr) => obstacle(`${cidr}`)),
				prefix,
			);
			const all = Cidr.of(base.first, prefix ?? 26);
			const slots = times(Number(base.size / all.size), () => all).map((cidr, index) =>
				Cidr.of(Ip.of(4, cidr.first.value + cidr.size * BigInt(index)), cidr.prefix),
			);
			const lowest = slots.find((slot) => ![...known, ...host].some((other) => other.overlaps(slot)));
			expect(choice?.cidr.toString()).toBe(lowest?.toString());
			const next = random.below(3) === 0 ? some() : choice?.cidr;
			if (next !== undefined && !known.some((other) => other.overlaps(next))) {
				taken.add(next, "");
				known.push(next);
			}
			if (random.below(2) === 0 && known.length > 0) {
				const [gone] = known.splice(random.below(known.length), 1);
				free(`${gone}`);
			}
		}
	});
});

describe("the default pools", () => {
	test("begin as Docker's do, and hold at least 4,096 networks that overlap nothing", () => {
		const { choose } = chooser(defaultPools("host"));
		const all: string[] = [];
		for (let cidr = choose(); cidr !== undefined; cidr = choose()) all.push(cidr);
		expect(all.slice(0, 15)).toEqual(times(15, () => 0).map((_, index) => `172.${17 + index}.0.0/16`));
		expect(all.slice(15, 17)).toEqual(["192.168.0.0/20", "192.168.16.0/20"]);
		expect(all.length).toBe(15 + 16 + 8_192);
		// Docker's own defaults: 172.17 to 172.31 and 192.168.
		const docker = [...times(15, () => 0).map((_, index) => `172.${17 + index}.0.0/16`), "192.168.0.0/16"].map(
			Cidr.parse,
		);
		for (const range of docker) expect(all.some((cidr) => range.contains(Cidr.parse(cidr)))).toBe(true);
	});

	test("survive a VPN that takes all of 10/8, and a LAN", () => {
		const { choose } = chooser(defaultPools("host"));
		const host = ["10.0.0.0/8", "192.168.1.0/24", "172.17.0.0/16", "172.16.0.0/12"];
		expect([choose(host), choose(host)]).toEqual(["192.168.16.0/20", "192.168.32.0/20"]);
		const rest: string[] = [];
		for (let cidr = choose(host); cidr !== undefined; cidr = choose(host)) rest.push(cidr);
		expect(rest.length).toBe(13 + 14 + 8_192);
		expect(rest).not.toContain("172.17.0.0/16");
	});

	test("have 65,536 IPv6 subnets of the host's own", () => {
		const own = uniqueLocal("host");
		expect([own.prefix, own.first.toString().slice(0, 2)]).toEqual([48, "fd"]);
		expect(uniqueLocal("host").equals(own)).toBe(true);
		expect(uniqueLocal("other").equals(own)).toBe(false);
		const { choose } = chooser(defaultPools("host"));
		expect(choose([], undefined, 6)).toBe(`${own.first}/64`);
		expect(choose([], undefined, 6)).toBe(Cidr.of(own.first.plus(1n << 64n), 64).toString());
	});
});
