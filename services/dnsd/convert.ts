/** Between the contracts' messages and this service's values. */
import type { GetStatusResponse, LookUpRequest, LookUpResponse } from "#gen/wharf/dns/v1/dns.ts";
import type { ResolvedEndpoint, ResolvedSandbox } from "#gen/wharf/network/v1/endpoint.ts";
import { Ip } from "#lib/address/ip.ts";
import type { ReadableAnswer } from "./codec.ts";
import { dnsdFaults } from "./faults.ts";
import { findWire } from "./name.ts";
import type { WatchState } from "./peers/netd.ts";
import { findType, TYPE } from "./protocol.ts";
import type { ResolverStatus } from "./resolver.ts";
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

function legOf({ endpointId, networkId, networkName, addresses, aliases }: ResolvedEndpoint): Leg {
	return { endpointId, networkId, networkName, addresses: addresses.map((text) => Ip.parse(text)), aliases };
}

export interface LookUp {
	readonly sandboxId: string;
	readonly name: string;
	readonly type: number;
}

/** For PTR the name may be the address itself. */
export function lookUpOf({ sandboxId, name, type }: LookUpRequest): LookUp {
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

export function lookUpResponse({ code, data }: ReadableAnswer): LookUpResponse {
	return { code, data: [...data] };
}

export function statusResponse({
	watch,
	resolver,
}: {
	watch: WatchState;
	resolver: ResolverStatus;
}): GetStatusResponse {
	return {
		revision: watch.revision,
		synced: watch.synced,
		sandboxes: resolver.sandboxes,
		upstreams: [...resolver.upstreams],
		queries: BigInt(resolver.queries),
		forwarded: BigInt(resolver.forwarded),
		failures: [...watch.unreadable, ...resolver.failures],
	};
}
