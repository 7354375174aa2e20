import { describe, expect, test } from "vitest";
import { Counters, GetStatusResponse } from "#gen/wharf/dns/v1/dns.ts";
import { COUNTER_HEADS, counterCells, countersJson, statusJson, statusText } from "./dns-status.ts";

const STATUS = GetStatusResponse.fromPartial({
	revision: 42n,
	synced: true,
	sandboxes: 2,
	upstreams: ["198.51.100.2", "198.51.100.3"],
	counters: {
		queries: 21n,
		local: 10n,
		absent: 2n,
		forwarded: 5n,
		cached: 3n,
		failed: 1n,
		refused: 3n,
		ignored: 1n,
		tcp: 6n,
	},
	askedUpstreams: [
		{ server: "192.0.2.53:5353", queries: 4n, failures: 4n, backingOff: true },
		{ server: "198.51.100.2", queries: 9n, answers: 7n, timeouts: 2n, tcpRetries: 1n, rttMs: 11.6 },
	],
	cache: { entries: 1n, bytes: 1_500n, hits: 3n, misses: 2n, stale: 0n },
	failures: [],
});

describe("the resolver's status", () => {
	test("has what is served and how often, the host's resolvers first", () => {
		expect(statusText(STATUS)).toBe(`Names:       all, as of revision 42
Containers:  2 with a resolver
Queries:     21: 10 local, 2 absent, 5 forwarded, 3 refused, 1 ignored; 6 over TCP
Forwarded:   3 answered from the cache, 1 failed
Cache:       1 answer, 1.5kB; 3 hits, 2 misses, 0 stale

UPSTREAM          STATE         QUERIES   ANSWERS   FAILURES   TIMEOUTS   TCP RETRIES   ROUND TRIP
198.51.100.2      good          9         7         0          2          1             12 ms
198.51.100.3      not asked
192.0.2.53:5353   backing off   4         0         4          0          0             -
`);
	});

	test("says what is not served, and that there is nobody to ask", () => {
		const text = statusText({
			...STATUS,
			synced: false,
			upstreams: [],
			askedUpstreams: [],
			failures: ["sandbox a: no"],
		});
		expect(text).toContain("Names:       not all of them: netd has not told them yet\n");
		expect(text).toContain("Not served:  sandbox a: no\n\nNo upstream resolver.\n");
	});

	test("is an object for a program, whatever the service left out", () => {
		expect(statusJson(STATUS)).toMatchObject({
			Revision: 42,
			Containers: 2,
			Queries: 21,
			TCP: 6,
			Upstreams: [
				{ Server: "198.51.100.2", Queries: 9, Answers: 7, Timeouts: 2, TCPRetries: 1, RTTMs: 11.6, BackingOff: false },
				{ Server: "198.51.100.3", Queries: 0 },
				{ Server: "192.0.2.53:5353", Failures: 4, BackingOff: true },
			],
			Cache: { Entries: 1, Bytes: 1_500, Hits: 3, Misses: 2, Stale: 0 },
			Failures: [],
		});
		const bare = GetStatusResponse.fromPartial({});
		expect(statusJson(bare)).toMatchObject({ Queries: 0, Cache: { Entries: 0 }, Upstreams: [] });
		expect(statusText(bare)).toContain("Queries:     0: 0 local");
	});

	test("has every counter that there is", () => {
		const names = Object.keys(Counters.fromPartial({}));
		expect(COUNTER_HEADS.map((head) => head.toLowerCase()).toSorted()).toEqual(names.toSorted());
		const cells = Object.fromEntries(COUNTER_HEADS.map((head, index) => [head, counterCells(STATUS.counters)[index]]));
		expect(cells).toMatchObject({ QUERIES: "21", LOCAL: "10", CACHED: "3", REFUSED: "3", TCP: "6" });
		expect(countersJson(undefined)).toMatchObject({ Queries: 0, Local: 0, TCP: 0 });
	});
});
