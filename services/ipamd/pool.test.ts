import { describe, expect, test } from "vitest";
import { Cidr } from "#lib/address/cidr.ts";
import { Ip } from "#lib/address/ip.ts";
import { Pool, type Taken } from "./pool.ts";
import { Random } from "./test-support/random.ts";

const REST_MS = 1_000;

function made(subnet: string, more: { range?: string; reserved?: Record<string, string> } = {}) {
	const clock = { ms: 1_000_000 };
	const reserved = new Map(Object.entries(more.reserved ?? {}).map(([as, ip]) => [as, Ip.parse(ip)]));
	const pool = new Pool({
		subnet: Cidr.parse(subnet),
		range: more.range === undefined ? undefined : Cidr.parse(more.range),
		reserved,
		restMs: REST_MS,
		now: () => clock.ms,
	});
	return { clock, pool };
}

/** Takes until nothing is left. */
function drained(pool: Pool): string[] {
	const all: string[] = [];
	for (let taken = pool.take(); taken !== undefined; taken = pool.take()) all.push(`${taken.ip}`);
	return all;
}

function taken(pool: Pool): Taken {
	const one = pool.take();
	if (one === undefined) throw new Error("the pool is exhausted");
	return one;
}

describe("a pool gives every address that can be used, once", () => {
	test.each([
		["10.0.0.0/29", {}, ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"]],
		["10.0.0.0/29", { gateway: "10.0.0.1", printer: "10.0.0.4" }, ["10.0.0.2", "10.0.0.3", "10.0.0.5", "10.0.0.6"]],
		["10.0.0.0/30", {}, ["10.0.0.1", "10.0.0.2"]],
		["10.0.0.0/31", {}, ["10.0.0.0", "10.0.0.1"]],
		["10.0.0.0/31", { gateway: "10.0.0.0" }, ["10.0.0.1"]],
		["10.0.0.7/32", {}, ["10.0.0.7"]],
		["fd00::/126", { gateway: "fd00::1" }, ["fd00::2", "fd00::3"]],
		["fd00::2/127", {}, ["fd00::2", "fd00::3"]],
		["fd00::2/128", {}, ["fd00::2"]],
	])("%s without %j", (subnet, reserved, expected) => {
		const { pool } = made(subnet, { reserved });
		expect(drained(pool)).toEqual(expected);
		expect(pool.leased).toBe(expected.length);
		expect(pool.usage).toEqual({ size: BigInt(expected.length), leased: expected.length, resting: 0 });
	});

	test("from its range only, which may hold the network's or the broadcast address", () => {
		expect(drained(made("10.0.0.0/24", { range: "10.0.0.0/30" }).pool)).toEqual(["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
		expect(drained(made("10.0.0.0/24", { range: "10.0.0.252/30" }).pool)).toEqual([
			"10.0.0.252",
			"10.0.0.253",
			"10.0.0.254",
		]);
		expect(drained(made("10.0.0.0/24", { range: "10.0.0.4/30" }).pool)).toHaveLength(4);
	});

	test("in a /8 and a /64 as in a small one", () => {
		for (const [subnet, first] of [
			["10.0.0.0/8", "10.0.0.1"],
			["fd00::/64", "fd00::1"],
			["fd00::/48", "fd00::1"],
		] as const) {
			const { pool } = made(subnet);
			expect(`${taken(pool).ip}`).toBe(first);
			const last = Cidr.parse(subnet).last.plus(-1n);
			expect(pool.claim(last).outcome).toBe("taken");
			expect(pool.claim(last).outcome).toBe("leased");
			expect(pool.leased).toBe(2);
		}
	});
});

describe("a requested address", () => {
	test("is refused with the reason", () => {
		const { pool } = made("10.0.0.0/24", { range: "10.0.0.128/25", reserved: { "the gateway": "10.0.0.1" } });
		const claim = (ip: string) => pool.claim(Ip.parse(ip));
		expect(claim("10.0.0.0")).toEqual({ outcome: "reserved", as: "the network's own address" });
		expect(claim("10.0.0.255")).toEqual({ outcome: "reserved", as: "the broadcast address" });
		expect(claim("10.0.0.1")).toEqual({ outcome: "reserved", as: "the gateway" });
		expect(claim("10.0.1.0")).toEqual({ outcome: "outside" });
		expect(claim("fd00::1")).toEqual({ outcome: "outside" });
		expect(claim("10.0.0.200").outcome).toBe("taken");
		expect(claim("10.0.0.200").outcome).toBe("leased");
	});

	test("may be outside the range, and is never given automatically", () => {
		const { pool } = made("10.0.0.0/24", { range: "10.0.0.128/30" });
		const outside = Ip.parse("10.0.0.5");
		expect(pool.claim(outside).outcome).toBe("taken");
		expect(pool.claim(outside).outcome).toBe("leased");
		expect(drained(pool)).toHaveLength(4);
		expect([pool.leased, pool.usage.leased]).toEqual([5, 4]);
		pool.rest(outside, 0);
		expect(pool.leased).toBe(4);
		expect(pool.claim(outside).outcome).toBe("taken");
	});

	test("is given while it rests", () => {
		const { pool, clock } = made("10.0.0.0/29");
		const { ip } = taken(pool);
		pool.rest(ip, clock.ms);
		expect(pool.claim(ip)).toEqual({ outcome: "taken", taken: { ip, restingSince: clock.ms } });
		expect(pool.usage.resting).toBe(0);
	});
});

describe("a released address", () => {
	test("comes back last: the search goes on behind the one before", () => {
		const { pool, clock } = made("10.0.0.0/29");
		const first = taken(pool);
		pool.rest(first.ip, clock.ms);
		clock.ms += REST_MS;
		expect(drained(pool)).toEqual(["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.1"]);
	});

	test("rests while another one is free", () => {
		const { pool, clock } = made("10.0.0.0/29");
		const [a, b] = [taken(pool), taken(pool)];
		expect(drained(pool)).toHaveLength(4);
		pool.rest(a.ip, clock.ms);
		clock.ms += REST_MS - 1;
		pool.rest(b.ip, clock.ms);
		clock.ms += 1;
		// `a` has rested; `b` has not, and is older in no sense that counts.
		expect(taken(pool)).toEqual({ ip: a.ip, restingSince: undefined });
	});

	test("is given before its time when nothing else is there, the longest resting first", () => {
		const { pool, clock } = made("10.0.0.0/30");
		const [a, b] = [taken(pool), taken(pool)];
		pool.rest(b.ip, clock.ms);
		pool.rest(a.ip, clock.ms + 1);
		expect(pool.usage).toEqual({ size: 2n, leased: 0, resting: 2 });
		expect([taken(pool), taken(pool)]).toEqual([
			{ ip: b.ip, restingSince: clock.ms },
			{ ip: a.ip, restingSince: clock.ms + 1 },
		]);
		expect(pool.take()).toBeUndefined();
	});

	test("that was not leased changes nothing", () => {
		const { pool, clock } = made("10.0.0.0/29", { reserved: { gateway: "10.0.0.1" } });
		for (const ip of ["10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.1.1"]) pool.rest(Ip.parse(ip), clock.ms);
		expect([pool.leased, pool.usage.resting]).toEqual([0, 0]);
		expect(drained(pool)).toHaveLength(5);
	});
});

test("what could not be stored is undone to what it was", () => {
	const { pool, clock } = made("10.0.0.0/30");
	const [a, b] = [taken(pool), taken(pool)];
	pool.undo(b);
	expect(taken(pool)).toEqual(b);
	pool.rest(a.ip, clock.ms);
	const again = taken(pool);
	expect(again.restingSince).toBe(clock.ms);
	pool.undo(again);
	expect(pool.usage).toEqual({ size: 2n, leased: 1, resting: 1 });
});

test("a rebuilt pool goes on behind the address it is told", () => {
	const { pool } = made("10.0.0.0/24");
	const ip = Ip.parse("10.0.0.77");
	pool.claim(ip);
	pool.continueBehind(ip);
	expect(`${taken(pool).ip}`).toBe("10.0.0.78");
});

/** The strict model: it knows who is what by lists, and checks each answer of the pool against the rules. */
describe("random sequences keep the rules", () => {
	test.each([1, 2, 3, 4, 5, 6])("seed %i", (seed) => {
		const random = new Random(seed);
		const subnet = random.pick(["10.9.0.0/28", "10.9.0.0/26", "10.9.0.0/24", "fd00:9::/122"]);
		const cidr = Cidr.parse(subnet);
		const range = random.below(2) === 0 ? Cidr.of(cidr.first.plus(cidr.size / 2n), cidr.prefix + 2) : undefined;
		const gateway = `${cidr.first.plus(1n)}`;
		const { pool, clock } = made(subnet, {
			...(range && { range: `${range}` }),
			reserved: { gateway },
		});
		const all = Array.from({ length: Number(cidr.size) }, (_, index) => `${cidr.first.plus(BigInt(index))}`);
		const never = new Set([all[0], gateway, ...(cidr.family === 4 ? [all.at(-1)] : [])]);
		const window = all.filter((ip) => !never.has(ip) && (range ?? cidr).contains(Ip.parse(ip)));
		const leased = new Set<string>();
		let resting: { ip: string; since: number }[] = [];

		const rules = {
			take: () => {
				const got = pool.take();
				const untouched = window.filter((ip) => !leased.has(ip) && !resting.some((one) => one.ip === ip));
				const rested = resting.filter((one) => clock.ms - one.since >= REST_MS).map((one) => one.ip);
				const allowed = untouched.length + rested.length > 0 ? [...untouched, ...rested] : [resting[0]?.ip];
				expect(allowed).toContain(got?.ip.toString());
				if (got === undefined) return;
				leased.add(`${got.ip}`);
				resting = resting.filter((one) => one.ip !== `${got.ip}`);
				if (random.below(10) > 0) return;
				pool.undo(got);
				leased.delete(`${got.ip}`);
				if (got.restingSince !== undefined) resting.unshift({ ip: `${got.ip}`, since: got.restingSince });
			},
			claim: () => {
				const ip = all[random.below(all.length)] ?? "";
				const { outcome } = pool.claim(Ip.parse(ip));
				expect(outcome).toBe(never.has(ip) ? "reserved" : leased.has(ip) ? "leased" : "taken");
				if (outcome !== "taken") return;
				leased.add(ip);
				resting = resting.filter((one) => one.ip !== ip);
			},
			rest: () => {
				const ip = [...leased][random.below(leased.size)];
				if (ip === undefined) return;
				pool.rest(Ip.parse(ip), clock.ms);
				leased.delete(ip);
				if (window.includes(ip)) resting.push({ ip, since: clock.ms });
			},
		};
		for (let round = 0; round < 4_000; round++) {
			clock.ms += random.below(60);
			random.pick([rules.take, rules.take, rules.claim, rules.rest, rules.rest])();
			expect(pool.leased).toBe(leased.size);
			expect(pool.usage.size).toBe(BigInt(window.length));
			expect(pool.usage.leased).toBe(window.filter((ip) => leased.has(ip)).length);
		}
	});
});
