/** The resolver's counters and upstream resolvers, as tables and for programs. */
import { Cache, Counters, type GetStatusResponse, type Upstream } from "#gen/wharf/dns/v1/dns.ts";
import { count, elapsed, size } from "./quantity.ts";
import { table } from "./table.ts";

const COUNTERS = ["queries", "local", "absent", "forwarded", "cached", "failed", "refused", "ignored", "tcp"] as const;

export const COUNTER_HEADS: readonly string[] = COUNTERS.map((name) => name.toUpperCase());

export function counterCells(counters: Counters | undefined): string[] {
	return COUNTERS.map((name) => String(counters?.[name] ?? 0));
}

export function countersJson(counters: Counters | undefined): Readonly<Record<string, number>> {
	return Object.fromEntries(
		COUNTERS.map((name) => [name === "tcp" ? "TCP" : capital(name), Number(counters?.[name] ?? 0)]),
	);
}

function capital(word: string): string {
	return word.charAt(0).toUpperCase() + word.slice(1);
}

export function statusJson(status: GetStatusResponse): object {
	const { entries, bytes, hits, misses, stale } = cacheOf(status);
	return {
		Revision: Number(status.revision),
		Synced: status.synced,
		Containers: status.sandboxes,
		...countersJson(status.counters),
		Upstreams: upstreamsOf(status).map(({ server, asked }) => ({
			Server: server,
			Queries: Number(asked?.queries ?? 0),
			Answers: Number(asked?.answers ?? 0),
			Failures: Number(asked?.failures ?? 0),
			Timeouts: Number(asked?.timeouts ?? 0),
			TCPRetries: Number(asked?.tcpRetries ?? 0),
			RTTMs: asked?.rttMs ?? 0,
			BackingOff: asked?.backingOff ?? false,
		})),
		Cache: {
			Entries: Number(entries),
			Bytes: Number(bytes),
			Hits: Number(hits),
			Misses: Number(misses),
			Stale: Number(stale),
		},
		Failures: status.failures,
	};
}

export function statusText(status: GetStatusResponse): string {
	const { synced, revision, sandboxes, failures } = status;
	const counters = status.counters ?? Counters.fromPartial({});
	const { queries, local, absent, forwarded, cached, failed, refused, ignored, tcp } = counters;
	const { entries, bytes, hits, misses, stale } = cacheOf(status);
	const lines = [
		`Names:       ${synced ? `all, as of revision ${revision}` : "not all of them: netd has not told them yet"}`,
		`Containers:  ${sandboxes} with a resolver`,
		`Queries:     ${queries}: ${local} local, ${absent} absent, ${forwarded} forwarded, ${refused} refused, ${ignored} ignored; ${tcp} over TCP`,
		`Forwarded:   ${cached} answered from the cache, ${failed} failed`,
		`Cache:       ${count(Number(entries), "answer")}, ${size(bytes)}; ${hits} hits, ${misses} misses, ${stale} stale`,
	];
	const troubles = failures.map((failure) => `Not served:  ${failure}`);
	const upstreams = upstreamsOf(status);
	const servers = upstreams.length === 0 ? "No upstream resolver.\n" : upstreamTable(upstreams);
	return `${[...lines, ...troubles].join("\n")}\n\n${servers}`;
}

function cacheOf({ cache }: GetStatusResponse): Cache {
	return cache ?? Cache.fromPartial({});
}

interface Known {
	readonly server: string;
	/** Undefined: it was not asked yet. */
	readonly asked: Upstream | undefined;
}

/** The host's, in its order; then those of single containers. */
function upstreamsOf({ upstreams, askedUpstreams }: GetStatusResponse): readonly Known[] {
	const asked = new Map(askedUpstreams.map((upstream) => [upstream.server, upstream]));
	const servers = new Set([...upstreams, ...asked.keys()]);
	return [...servers].map((server) => ({ server, asked: asked.get(server) }));
}

function upstreamTable(upstreams: readonly Known[]): string {
	const heads = ["UPSTREAM", "STATE", "QUERIES", "ANSWERS", "FAILURES", "TIMEOUTS", "TCP RETRIES", "ROUND TRIP"];
	const rows = upstreams.map(({ server, asked }) => {
		if (asked === undefined) return [server, "not asked"];
		const { queries, answers, failures, timeouts, tcpRetries, rttMs, backingOff } = asked;
		const numbers = [queries, answers, failures, timeouts, tcpRetries].map(String);
		return [server, backingOff ? "backing off" : "good", ...numbers, rttMs === 0 ? "-" : elapsed(rttMs)];
	});
	return table(heads, rows);
}
