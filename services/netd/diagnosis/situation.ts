/** What the checks look at: the host as it is, and what netd has on it. */
import type { Cidr } from "#lib/address/cidr.ts";
import type { IfName } from "#lib/address/if-name.ts";
import type { Family } from "#lib/address/ip.ts";
import type { HostLink, ObservedHost } from "../kernel/host-facts.ts";
import type { Difference } from "../default-bridge.ts";
import type { HostPort } from "../port.ts";

export interface Situation {
	readonly host: ObservedHost;
	readonly networks: readonly BridgedNetwork[];
	readonly ports: readonly PublishedPort[];
	/** In what the default network is otherwise than its settings say, and who is on it. */
	readonly defaultNetwork: DefaultNetwork;
}

export interface DefaultNetwork {
	readonly differences: readonly Difference[];
	readonly users: readonly string[];
}

export interface BridgedNetwork {
	readonly name: string;
	readonly bridge: IfName;
	readonly internal: boolean;
	/** It cannot be removed. */
	readonly predefined: boolean;
	readonly subnets: readonly Cidr[];
}

export interface PublishedPort extends HostPort {
	/** The container's name. */
	readonly container: string;
	/** Where the port is not netd's, and another program has it: which. */
	readonly takenBy: string | undefined;
}

/** The number of the table that is asked for everything. */
export const MAIN_TABLE = 254;

export function hasFamily({ subnets }: BridgedNetwork, family: Family): boolean {
	return subnets.some((subnet) => subnet.family === family);
}

/** The links of the default routes of a family, the preferred one's first. */
export function uplinks({ routes, links }: ObservedHost, family: Family): HostLink[] {
	const names = routes
		.filter(
			({ destination, table }) => table === MAIN_TABLE && destination.prefix === 0 && destination.family === family,
		)
		.sort((a, b) => a.metric - b.metric)
		.flatMap((route) => route.links);
	return [...new Set(names)].flatMap((name) => links.filter((link) => link.name === name));
}

export function linkOf({ links }: ObservedHost, name: IfName): HostLink | undefined {
	return links.find((link) => link.name === name);
}
