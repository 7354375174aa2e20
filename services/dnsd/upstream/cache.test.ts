import { describe, expect, it } from "vitest";
import { responseThat } from "../test-support/messages.ts";
import { Cache } from "./cache.ts";

const positive = (ttl: number) => responseThat({ ttls: [ttl] });
const negative = (ttl: number) => responseThat({ rcode: 3, soa: { ttl, minimum: ttl } });

describe("a cache", () => {
	it("finds with its age what holds, then nothing", () => {
		let now = 1_000;
		const cache = new Cache(10_000, 0, () => now);
		const response = positive(60);
		cache.keep("a", response);
		now += 12_500;
		expect(cache.find("a")).toMatchObject({ response, state: "fresh", ageSeconds: 12 });
		now += 47_500;
		expect(cache.find("a")).toBeUndefined();
		expect(cache.status()).toEqual({ entries: 0, bytes: 0, hits: 1, misses: 1 });
	});

	it("keeps nothing that says 0, and what says more than an hour for an hour", () => {
		let now = 0;
		const cache = new Cache(10_000, 0, () => now);
		cache.keep("a", positive(0));
		expect(cache.find("a")).toBeUndefined();
		cache.keep("b", positive(1_000_000));
		now = 3_599_000;
		expect(cache.find("b")?.ageSeconds).toBe(3_599);
		now = 3_600_000;
		expect(cache.find("b")).toBeUndefined();
	});

	it("holds an absence no longer than whoever asks may believe it", () => {
		let now = 0;
		const cache = new Cache(10_000, 0, () => now);
		cache.keep("absent", negative(600));
		cache.keep("present", positive(600));
		now = 4_999;
		expect(cache.find("absent", 5)).toMatchObject({ state: "fresh", mostNegativeSeconds: 5 });
		now = 5_000;
		expect(cache.find("absent", 5)).toBeUndefined();
		expect(cache.find("absent")?.state).toBe("fresh");
		expect(cache.find("present", 5)?.state).toBe("fresh");
	});

	it("stays within its bytes: what was not used goes before what was, and never the newest", () => {
		const cache = new Cache(1_300, 0, () => 0);
		for (const key of ["a", "b", "c"]) cache.keep(key, positive(60));
		expect(cache.status().entries).toBe(3);
		expect(cache.find("a")).toBeDefined();
		cache.keep("d", positive(60));
		expect(["a", "b", "c", "d"].filter((key) => cache.find(key) !== undefined)).toEqual(["a", "c", "d"]);
		cache.keep("e", positive(60));
		expect(cache.find("e")).toBeDefined();
		for (let i = 0; i < 500; i++) {
			cache.keep(`k${i}`, positive(60));
			expect(cache.status().bytes).toBeLessThanOrEqual(1_300);
		}
		expect(cache.status().entries).toBe(3);
	});

	it("keeps nothing that is larger than the whole of it", () => {
		const cache = new Cache(100, 0, () => 0);
		cache.keep("a", positive(60));
		expect(cache.status()).toMatchObject({ entries: 0, bytes: 0 });
	});

	it("replaces, and forgets everything on demand", () => {
		const cache = new Cache(10_000, 0, () => 0);
		cache.keep("a", positive(60));
		const { bytes } = cache.status();
		const newer = positive(60);
		cache.keep("a", newer);
		expect(cache.status().bytes).toBe(bytes);
		expect(cache.find("a")?.response).toBe(newer);
		cache.keep("b", positive(60));
		expect(cache.flush()).toBe(2);
		expect(cache.status()).toMatchObject({ entries: 0, bytes: 0 });
		expect(cache.find("a")).toBeUndefined();
	});
});

describe("a cache that serves what is stale (RFC 8767)", () => {
	it("finds it for as long as it was told to, to be told for half a minute", () => {
		let now = 0;
		const cache = new Cache(10_000, 10_000, () => now);
		cache.keep("a", positive(60));
		now = 60_000;
		expect(cache.find("a")).toMatchObject({ state: "stale", ageSeconds: 0, mostSeconds: 30 });
		now = 70_000;
		expect(cache.find("a")).toBeUndefined();
		expect(cache.status()).toEqual({ entries: 0, bytes: 0, hits: 0, misses: 2 });
	});

	it("finds nothing that is known to be no more, even where the news may not be kept", () => {
		let now = 0;
		const cache = new Cache(10_000, 10_000, () => now);
		cache.keep("a", positive(60));
		now = 61_000;
		cache.keep("a", positive(0));
		expect(cache.find("a")).toBeUndefined();
	});

	it("says for a while that asking has failed, until it succeeds", () => {
		let now = 0;
		const cache = new Cache(10_000, 1_000_000, () => now);
		cache.keep("a", positive(60));
		now = 60_000;
		cache.rest("a");
		now = 89_999;
		expect(cache.find("a")?.state).toBe("resting");
		now = 90_000;
		expect(cache.find("a")?.state).toBe("stale");
		cache.keep("a", positive(60));
		expect(cache.find("a")?.state).toBe("fresh");
	});
});
