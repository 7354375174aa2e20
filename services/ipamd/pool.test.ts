import { array, assert, boolean, constantFrom, nat, property, tuple } from "fast-check";
import { describe, expect, test } from "vitest";
import { Cidr } from "#lib/address/cidr.ts";
import { Ip } from "#lib/address/ip.ts";
import { IpRange } from "#lib/address/ip-range.ts";
import { type Order, Pool, type Taken } from "./pool.ts";

const REST_MS = 1_000;

interface More {
	readonly range?: string;
	readonly reserved?: Record<string, string>;
	readonly order?: Order;
	readonly draw?: () => bigint;
}

function made(subnet: string, more: More = {}) {
	const clock = { ms: 1_000_000 };
	const reserved = new Map(Object.entries(more.reserved ?? {}).map(([as, ip]) => [as, Ip.parse(ip)]));
	const pool = new Pool({
		subnet: Cidr.parse(subnet),
		range: more.range === undefined ? undefined : IpRange.parse(more.range),
		reserved,
		order: more.order,
		restMs: REST_MS,
		now: () => clock.ms,
		...(more.draw && { draw: more.draw }),
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
		expect(pool.usage).toMatchObject({ size: BigInt(expected.length), leased: expected.length, resting: 0 });
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
		expect(pool.usage).toMatchObject({ size: 2n, leased: 0, resting: 2 });
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
	expect(pool.usage).toMatchObject({ size: 2n, leased: 1, resting: 1 });
});

test("a rebuilt pool goes on behind the address it is told", () => {
	const { pool } = made("10.0.0.0/24");
	const ip = Ip.parse("10.0.0.77");
	pool.claim(ip);
	pool.continueBehind(ip);
	expect(`${taken(pool).ip}`).toBe("10.0.0.78");
});

describe("usage", () => {
	test("counts the range, what is reserved in it, and what is leased elsewhere", () => {
		const { pool } = made("10.0.0.0/24", { range: "10.0.0.250-10.0.0.255", reserved: { gateway: "10.0.0.251" } });
		pool.claim(Ip.parse("10.0.0.9"));
		const { ip } = taken(pool);
		taken(pool);
		pool.rest(ip, 0);
		expect(pool.usage).toEqual({ size: 4n, leased: 1, resting: 1, reserved: 2, leasedElsewhere: 1 });
		expect([pool.isLeased(ip), pool.isLeased(Ip.parse("10.0.0.9")), pool.isLeased(Ip.parse("10.0.0.252"))]).toEqual([
			false,
			true,
			true,
		]);
	});
});

describe("in random order", () => {
	test("all are given, each once, not one behind the other", () => {
		const { pool } = made("10.0.0.0/24", { order: "random" });
		const all = drained(pool);
		expect([all.length, new Set(all).size]).toEqual([254, 254]);
		expect(all).not.toEqual([...all].sort((a, b) => Number(Ip.parse(a).value - Ip.parse(b).value)));
	});

	test("an IPv6 subnet is used in all its width, and what is drawn again is given once", () => {
		const draws = [0n, 1n, (1n << 64n) - 1n, (1n << 64n) - 1n, 1n << 40n];
		const { pool } = made("fd00::/64", {
			order: "random",
			reserved: { gateway: "fd00::1" },
			draw: () => draws.shift() ?? 7n,
		});
		expect([taken(pool), taken(pool), taken(pool)].map(({ ip }) => `${ip}`)).toEqual([
			"fd00::ffff:ffff:ffff:ffff",
			"fd00::100:0:0",
			"fd00::7",
		]);
		expect(pool.usage).toEqual({ size: (1n << 64n) - 2n, leased: 3, resting: 0, reserved: 2, leasedElsewhere: 0 });
		pool.rest(Ip.parse("fd00::100:0:0"), 0);
		expect(pool.leased).toBe(2);
	});

	test("its own draws are spread over the whole subnet", () => {
		const { pool } = made("fd00::/64", { order: "random" });
		const upper = Array.from({ length: 200 }, () => (taken(pool).ip.value >> 56n) & 0xffn);
		// Of 256 places 200 balls fill 138 on average; below 90 is no chance.
		expect(new Set(upper).size).toBeGreaterThan(90);
	});
});

const SUBNETS = ["10.9.0.0/28", "10.9.0.0/26", "10.9.0.0/24", "fd00:9::/122"] as const;
const STEPS = ["take", "take", "takeAndUndo", "claim", "rest", "rest"] as const;

/** The strict model: it knows who is what by lists, and checks each answer of the pool against the rules. */
class Model {
	readonly #pool: Pool;
	readonly #clock: { ms: number };
	readonly #all: readonly string[];
	readonly #never: ReadonlySet<string>;
	readonly #window: readonly string[];
	readonly #isSequential: boolean;
	readonly #leased = new Set<string>();
	#resting: { ip: string; since: number }[] = [];
	#last: string | undefined;

	constructor(subnet: string, hasRange: boolean, order: Order) {
		const cidr = Cidr.parse(subnet);
		const range = hasRange ? Cidr.of(cidr.first.plus(cidr.size / 2n), cidr.prefix + 2) : undefined;
		const gateway = `${cidr.first.plus(1n)}`;
		const { pool, clock } = made(subnet, { ...(range && { range: `${range}` }), reserved: { gateway }, order });
		this.#pool = pool;
		this.#clock = clock;
		this.#isSequential = order === "sequential";
		this.#all = Array.from({ length: Number(cidr.size) }, (_, index) => `${cidr.first.plus(BigInt(index))}`);
		this.#never = new Set([this.#all[0] ?? "", gateway, ...(cidr.family === 4 ? [this.#all.at(-1) ?? ""] : [])]);
		this.#window = this.#all.filter((ip) => !this.#never.has(ip) && (range ?? cidr).contains(Ip.parse(ip)));
	}

	step(name: (typeof STEPS)[number], choice: number, pauseMs: number): void {
		this.#clock.ms += pauseMs;
		this[name](choice);
		const leased = this.#window.filter((ip) => this.#leased.has(ip)).length;
		const { usage } = this.#pool;
		expect([this.#pool.leased, usage.leased, usage.leasedElsewhere]).toEqual([
			this.#leased.size,
			leased,
			this.#leased.size - leased,
		]);
		// Nothing is lost and nothing is made: each of the window is one of these.
		expect(usage.size).toBe(BigInt(this.#window.length));
		expect(usage.resting).toBeLessThanOrEqual(this.#resting.length);
	}

	take(): Taken | undefined {
		const got = this.#pool.take();
		const rested = this.#resting.filter(({ since }) => this.#clock.ms - since >= REST_MS).map(({ ip }) => ip);
		const untouched = this.#window.filter((ip) => !this.#leased.has(ip) && !this.#resting.some((one) => one.ip === ip));
		const free = this.#window.filter((ip) => untouched.includes(ip) || rested.includes(ip));
		expect(free.length > 0 ? free : [this.#resting[0]?.ip]).toContain(got?.ip.toString());
		if (got === undefined) return undefined;
		const ip = `${got.ip}`;
		if (this.#isSequential && got.restingSince === undefined) this.#checkNext(ip, untouched);
		this.#leased.add(ip);
		this.#resting = this.#resting.filter((one) => one.ip !== ip);
		return got;
	}

	/** Next-fit: nothing that has never been used lies between the last one and this one. */
	#checkNext(ip: string, untouched: readonly string[]): void {
		const last = this.#last === undefined ? -1 : this.#window.indexOf(this.#last);
		const round = [...this.#window.slice(last + 1), ...this.#window.slice(0, last + 1)];
		expect(round.slice(0, round.indexOf(ip)).filter((one) => untouched.includes(one))).toEqual([]);
		this.#last = ip;
	}

	takeAndUndo(): void {
		const got = this.take();
		if (got === undefined) return;
		this.#pool.undo(got);
		this.#leased.delete(`${got.ip}`);
		if (got.restingSince !== undefined) this.#resting.unshift({ ip: `${got.ip}`, since: got.restingSince });
	}

	claim(choice: number): void {
		const ip = this.#all[choice % this.#all.length] ?? "";
		const { outcome } = this.#pool.claim(Ip.parse(ip));
		expect(outcome).toBe(this.#never.has(ip) ? "reserved" : this.#leased.has(ip) ? "leased" : "taken");
		if (outcome !== "taken") return;
		this.#leased.add(ip);
		this.#resting = this.#resting.filter((one) => one.ip !== ip);
	}

	rest(choice: number): void {
		const ip = [...this.#leased][choice % Math.max(1, this.#leased.size)];
		if (ip === undefined) return;
		this.#pool.rest(Ip.parse(ip), this.#clock.ms);
		this.#leased.delete(ip);
		if (this.#window.includes(ip)) this.#resting.push({ ip, since: this.#clock.ms });
	}
}

test("any sequence keeps the rules: never two owners, nothing lost, the longest rested first", () => {
	const step = tuple(constantFrom(...STEPS), nat(100_000), nat(120));
	const steps = array(step, { minLength: 1, maxLength: 500, size: "max" });
	const orders = constantFrom<Order>("sequential", "random");
	const rules = property(constantFrom(...SUBNETS), boolean(), orders, steps, (subnet, hasRange, order, sequence) => {
		const model = new Model(subnet, hasRange, order);
		for (const [name, choice, pauseMs] of sequence) model.step(name, choice, pauseMs);
	});
	expect(() => assert(rules, { numRuns: 80 })).not.toThrow();
}, 60_000);
