/** What follows from all the endpoints of a sandbox together: its default routes, and what a resolver is told of it. Pure. */
import type { Family, Ip } from "#lib/address/ip.ts";
import type { Endpoint } from "./endpoint.ts";
import type { DefaultRoutes, SourceRoute } from "./kernel/links.ts";
import type { Network } from "./network.ts";
import type { ResolvedSandbox } from "./names.ts";
import type { Sandbox } from "./sandbox.ts";

/** An endpoint with its network. */
export interface Attachment {
	readonly endpoint: Endpoint;
	readonly network: Network;
}

/** The auxiliary address of a bridge network's subnet that is its containers' router, in the bridge's place: Docker's names. */
export const DEFAULT_GATEWAY = { 4: "DefaultGatewayIPv4", 6: "DefaultGatewayIPv6" } as const;

/** Where packets to elsewhere leave the network; an internal one has no such place. */
export function gatewayOf({ internal, driver, subnets }: Network, family: Family): Ip | undefined {
	const subnet = subnets.find(({ cidr }) => cidr.family === family);
	if (internal || subnet === undefined) return undefined;
	return (driver === "bridge" ? subnet.auxiliary[DEFAULT_GATEWAY[family]] : undefined) ?? subnet.gateway;
}

/**
 * For each family, of the endpoints on networks with a gateway the one with the highest priority, of equal ones the oldest: a
 * newer one that says nothing changes nothing, and its end moves the route on.
 */
export function gatewayEndpoint(attachments: readonly Attachment[], family: Family): Attachment | undefined {
	return byPriority(attachments).find(({ network }) => gatewayOf(network, family) !== undefined);
}

function byPriority(attachments: readonly Attachment[]): Attachment[] {
	return attachments.toSorted((a, b) => b.endpoint.gatewayPriority - a.endpoint.gatewayPriority || age(a) - age(b));
}

/**
 * Where unknown names are asked: as the sandbox says, else as its networks do, the highest gateway priority first, of equal ones the
 * oldest, else as the settings do; none: the host's resolvers. Nothing is asked for an internal network.
 */
export function dnsServersOf(
	{ dnsServers: own }: Pick<Sandbox, "dnsServers">,
	attachments: readonly Attachment[],
	settings: readonly Ip[],
): readonly Ip[] {
	if (own.length > 0) return own;
	const networks = byPriority(attachments).filter(({ network }) => !network.internal);
	const theirs = networks.flatMap(({ network }) => network.dnsServers);
	const once = theirs.filter((server, index) => theirs.findIndex((other) => other.equals(server)) === index);
	return once.length > 0 ? once : settings;
}

/** One that is not stored yet is the youngest. */
function age({ endpoint: { seq } }: Attachment): number {
	return seq === 0 ? Number.MAX_SAFE_INTEGER : seq;
}

export function defaultRoutes(attachments: readonly Attachment[]): DefaultRoutes {
	const via = (family: Family): Ip | undefined => {
		const attachment = gatewayEndpoint(attachments, family);
		return attachment && gatewayOf(attachment.network, family);
	};
	return { 4: via(4), 6: via(6) };
}

/** Of the endpoints whose network's gateway is not the default route's: answers from there leave as the questions came. */
export function sourceRoutes(attachments: readonly Attachment[]): SourceRoute[] {
	return attachments.flatMap(({ endpoint, network }) =>
		endpoint.addresses.flatMap(({ ip: source }) => {
			const gateway = gatewayOf(network, source.family);
			const leads = gatewayEndpoint(attachments, source.family)?.endpoint.id === endpoint.id;
			return gateway === undefined || leads ? [] : [{ source, gateway, interface: endpoint.interface }];
		}),
	);
}

/** Undefined when none of its networks resolves names. `servers`: where unknown names are asked of which nobody says where. */
export function resolvedSandbox(
	sandbox: Sandbox,
	attachments: readonly Attachment[],
	servers: readonly Ip[],
): ResolvedSandbox | undefined {
	const resolving = attachments.filter(({ network }) => network.resolvesNames);
	if (resolving.length === 0) return undefined;
	const { id, netnsPath, name, owner, hostname, resolverPort } = sandbox;
	return {
		sandboxId: id,
		netnsPath,
		name,
		owner,
		hostname,
		resolverPort,
		dnsServers: dnsServersOf(sandbox, attachments, servers),
		endpoints: resolving.map(({ endpoint, network }) => ({
			endpointId: endpoint.id,
			networkId: network.id,
			networkName: network.name,
			addresses: endpoint.addresses.map(({ ip }) => ip),
			aliases: endpoint.aliases,
			links: endpoint.links,
		})),
		forwards: attachments.some(({ network }) => !network.internal),
	};
}
