/** What a sandbox's clients ask, as it is logged and counted: every outcome, over both transports, beside another sandbox. */
import { expect, it, onTestFinished } from "vitest";
import { findKey } from "./name.ts";
import type { LoggedQuery, Parcel, QueryFilter } from "./query-log.ts";
import type { Resolver } from "./resolver.ts";
import { RESOLVER_PORT as PORT, resolverOver, sandbox, scratch } from "./test-support/resolver.ts";
import { Upstream } from "./test-support/upstream.ts";
import { serverText } from "./upstream/server.ts";

const ALL: QueryFilter = { sandboxIds: new Set(), owners: new Set(), suffix: undefined, failuresOnly: false };
const CACHE_BYTES = 100_000;

function watch(resolver: Resolver, filter: Partial<QueryFilter> = {}): AsyncGenerator<Parcel> {
	const stopped = new AbortController();
	onTestFinished(() => stopped.abort());
	return resolver.queries.watch({ ...ALL, ...filter }, stopped.signal);
}

async function read(watching: AsyncGenerator<Parcel>, many: number): Promise<LoggedQuery[]> {
	const queries: LoggedQuery[] = [];
	while (queries.length < many) queries.push(...((await watching.next()).value as Parcel).queries); // it has no end
	return queries;
}

it("logs and counts what became of each query", async () => {
	const [inside, beside, shut] = [await scratch(), await scratch(), await scratch()];
	await using upstream = await Upstream.start("answers");
	const resolver = resolverOver([upstream.server], 10_000, CACHE_BYTES);
	await resolver.put(sandbox(inside.netnsPath));
	await resolver.put({ ...sandbox(beside.netnsPath, { id: "two", name: "peer" }), legs: [] });
	await resolver.put({ ...sandbox(shut.netnsPath, { id: "shut", name: "shut", forwards: false }), legs: [] });
	await inside.dig(PORT, "web", "A"); // nobody watches yet
	const all = watch(resolver);
	const own = watch(resolver, { sandboxIds: new Set(["two"]) });
	const named = watch(resolver, { suffix: findKey("example") });
	const failed = watch(resolver, { failuresOnly: true });

	await inside.dig(PORT, "Web.frontend", "AAAA", "+tcp");
	await inside.dig(PORT, "2.0.18.172.in-addr.arpa", "PTR");
	await shut.dig(PORT, "none.frontend", "A");
	await inside.dig(PORT, "one.example", "A");
	await inside.dig(PORT, "one.example", "A");
	upstream.conduct = "NXDOMAIN";
	await beside.dig(PORT, "two.example", "A");
	upstream.conduct = "SERVFAIL";
	await inside.dig(PORT, "three.example", "A");
	await inside.dig(PORT, "web", "AXFR"); // which dig asks over TCP
	await inside.dig(PORT, "web", "A", "+edns=1", "+noednsneg");
	await inside.dig(PORT, "web", "MX", "+header-only");

	const queries = await read(all, 10);
	const words = queries.map(({ transport, name, type, outcome, code, answers, data }) =>
		[transport, name, type, outcome, code, answers, ...data].join(" "),
	);
	expect(words).toEqual([
		"tcp Web.frontend AAAA local NOERROR 1 fd00::2",
		"udp 2.0.18.172.in-addr.arpa PTR local NOERROR 1 web.frontend",
		"udp none.frontend A absent NXDOMAIN 0",
		"udp one.example A forwarded NOERROR 1 192.0.2.1",
		"udp one.example A cached NOERROR 1 192.0.2.1",
		"udp two.example A forwarded NXDOMAIN 0",
		"udp three.example A failed SERVFAIL 0",
		"tcp web AXFR refused REFUSED 0",
		"udp web A refused BADVERS 0",
		"udp   refused FORMERR 0",
	]);
	const others = queries.filter(({ container }) => container !== "web");
	expect(others.map(({ container, name }) => `${container} ${name}`)).toEqual([
		"shut none.frontend",
		"peer two.example",
	]);
	const times = queries.map(({ timeUs }) => timeUs);
	expect(times).toEqual(times.toSorted((a, b) => a - b));

	expect((await read(own, 1)).map(({ name, sandboxId }) => [name, sandboxId])).toEqual([["two.example", "two"]]);
	expect((await read(named, 4)).map(({ outcome }) => outcome)).toEqual(["forwarded", "cached", "forwarded", "failed"]);
	expect((await read(failed, 4)).map(({ code }) => code)).toEqual(["SERVFAIL", "REFUSED", "BADVERS", "FORMERR"]);

	const listed = resolver.sandboxes({ after: "", limit: 10 }).items;
	expect(listed.map(({ counters }) => [counters.queries, { ...counters }])).toEqual([
		[9, { local: 3, absent: 0, forwarded: 3, cached: 1, failed: 1, refused: 3, ignored: 0, tcp: 2 }],
		[1, { local: 0, absent: 1, forwarded: 0, cached: 0, failed: 0, refused: 0, ignored: 0, tcp: 0 }],
		[1, { local: 0, absent: 0, forwarded: 1, cached: 0, failed: 0, refused: 0, ignored: 0, tcp: 0 }],
	]);
	const asked = { server: serverText(upstream.server), answers: 2, failures: 1, timeouts: 0, backOffUntil: undefined };
	expect(resolver.status().forwarder).toMatchObject({ upstreams: [asked], cache: { entries: 2, hits: 1, misses: 3 } });
	upstream.conduct = "answers";
	expect([resolver.flushCache(), resolver.status().forwarder.cache.entries]).toEqual([2, 0]);
	await inside.dig(PORT, "one.example", "A");
	expect((await read(named, 1)).map(({ outcome }) => outcome)).toEqual(["forwarded"]);
	await resolver.remove("two");
	expect(resolver.status().counters).toMatchObject({ queries: 12, forwarded: 5 });
});
