/** Between the contracts' messages and this service's values. */
import * as dns from "#gen/wharf/dns/v1/dns.ts";
import type { ResolvedEndpoint, ResolvedSandbox } from "#gen/wharf/network/v1/endpoint.ts";
import { Ip } from "#lib/address/ip.ts";
import { type PageRequest, parsePageByName } from "#lib/rpc/page.ts";
import type { Counters } from "./counters.ts";
import { dnsdFaults } from "./faults.ts";
import { findKey, findWire, type NameKey } from "./name.ts";
import type { WatchState } from "./peers/netd.ts";
import { findType, TYPE } from "./protocol.ts";
import type { LoggedQuery, Parcel, QueryFilter } from "./query-log.ts";
import type { LocalAnswer, ResolverStatus, ServedSandbox } from "./resolver.ts";
import type { UpstreamStatus } from "./upstream/upstream.ts";
import type { Leg, Sandbox } from "./zone.ts";

export function sandboxOf(message: ResolvedSandbox): Sandbox {
	const { sandboxId: id, netnsPath, name, owner, hostname, resolverPort, forwards } = message;
	const dnsServers = message.dnsServers.map((text) => Ip.parse(text));
	return {
		id,
		netnsPath,
		name,
		owner,
		hostname,
		resolverPort,
		forwards,
		dnsServers,
		legs: message.endpoints.map(legOf),
	};
}

function legOf({ addresses, ...leg }: ResolvedEndpoint): Leg {
	return { ...leg, addresses: addresses.map((text) => Ip.parse(text)) };
}

export interface LookUp {
	readonly sandboxId: string;
	readonly name: string;
	readonly type: number;
}

/** For PTR the name may be the address itself. */
export function lookUpOf({ sandboxId, name, type }: dns.LookUpRequest): LookUp {
	const number = findType(type);
	if (number === undefined) {
		throw dnsdFaults.UNKNOWN_TYPE(
			{ type: JSON.stringify(type), known: Object.keys(TYPE).join(", ") },
			{ field: "type" },
		);
	}
	const asked = number === TYPE.PTR ? reverseNameOf(name) : name;
	if (findWire(asked) === undefined) {
		throw dnsdFaults.INVALID_DOMAIN_NAME({ name: JSON.stringify(name) }, { field: "name" });
	}
	return { sandboxId, name: asked, type: number };
}

function reverseNameOf(text: string): string {
	try {
		return Ip.parse(text).reverseName();
	} catch {
		return text;
	}
}

export function lookUpResponse({ code, data, upstreams }: LocalAnswer): dns.LookUpResponse {
	return { code, data: [...data], upstreams: [...upstreams] };
}

export function statusResponse({
	watch,
	resolver,
}: {
	watch: WatchState;
	resolver: ResolverStatus;
}): dns.GetStatusResponse {
	const { upstreams, cache } = resolver.forwarder;
	return {
		revision: watch.revision,
		synced: watch.synced,
		sandboxes: resolver.sandboxes,
		upstreams: [...resolver.upstreams],
		failures: [...watch.unreadable, ...resolver.failures],
		counters: countersMessage(resolver.counters),
		askedUpstreams: upstreams.map(upstreamMessage),
		cache: {
			entries: BigInt(cache.entries),
			bytes: BigInt(cache.bytes),
			hits: BigInt(resolver.counters.cached),
			misses: BigInt(cache.misses),
			stale: BigInt(cache.stale),
		},
	};
}

export function listPageOf(message: dns.ListSandboxesRequest): PageRequest<string> {
	return parsePageByName(message, dnsdFaults.INVALID_PAGE_TOKEN);
}

export function servedMessage({ sandbox, upstreams, counters }: ServedSandbox): dns.ServedSandbox {
	const { id: sandboxId, name, owner } = sandbox;
	return { sandboxId, name, owner, upstreams: [...upstreams], counters: countersMessage(counters) };
}

function countersMessage(counters: Counters): dns.Counters {
	const { queries, local, absent, forwarded, cached, failed, refused, ignored, tcp } = counters;
	return {
		queries: BigInt(queries),
		local: BigInt(local),
		absent: BigInt(absent),
		forwarded: BigInt(forwarded),
		cached: BigInt(cached),
		failed: BigInt(failed),
		refused: BigInt(refused),
		ignored: BigInt(ignored),
		tcp: BigInt(tcp),
	};
}

function upstreamMessage(upstream: UpstreamStatus): dns.Upstream {
	const { server, queries, answers, failures, timeouts, tcpRetries, smoothedRttMs = 0, backOffUntil } = upstream;
	return {
		server,
		queries: BigInt(queries),
		answers: BigInt(answers),
		failures: BigInt(failures),
		timeouts: BigInt(timeouts),
		tcpRetries: BigInt(tcpRetries),
		rttMs: smoothedRttMs,
		backingOff: backOffUntil !== undefined,
	};
}

export function filterOf({ sandboxIds, owners, suffix, failuresOnly }: dns.WatchQueriesRequest): QueryFilter {
	return {
		sandboxIds: new Set(sandboxIds),
		owners: new Set(owners),
		suffix: suffix === "" ? undefined : suffixOf(suffix),
		failuresOnly,
	};
}

function suffixOf(suffix: string): NameKey {
	const key = findKey(suffix);
	if (key === undefined) throw dnsdFaults.INVALID_DOMAIN_NAME({ name: JSON.stringify(suffix) }, { field: "suffix" });
	return key;
}

export function parcelMessage({ queries, lost }: Parcel): dns.WatchQueriesResponse {
	return { queries: queries.map(queryMessage), lost: BigInt(lost) };
}

const TRANSPORTS = { udp: dns.Transport.UDP, tcp: dns.Transport.TCP } as const;
const OUTCOMES = {
	local: dns.Outcome.LOCAL,
	absent: dns.Outcome.ABSENT,
	forwarded: dns.Outcome.FORWARDED,
	cached: dns.Outcome.CACHED,
	refused: dns.Outcome.REFUSED,
	failed: dns.Outcome.FAILED,
} as const;

function queryMessage({ timeUs, transport, outcome, data, ...query }: LoggedQuery): dns.LoggedQuery {
	return {
		...query,
		timeUs: BigInt(timeUs),
		transport: TRANSPORTS[transport],
		outcome: OUTCOMES[outcome],
		data: [...data],
	};
}
