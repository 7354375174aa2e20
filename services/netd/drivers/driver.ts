/** What makes a network of one kind out of the kernel's parts. A driver keeps nothing: everything is in the network's row. */
import type { IfName } from "#lib/address/if-name.ts";
import type { Family, Ip } from "#lib/address/ip.ts";
import type { Endpoint } from "../endpoint.ts";
import { parseEndpointOptions } from "../endpoint-options.ts";
import type { NetworkRules } from "../kernel/firewall.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { HostSettings, InnerEnd, ObservedLeg } from "../kernel/links.ts";
import type { Network, NetworkAsked, Subnet, TextMap } from "../network.ts";

/** An endpoint with its surroundings. */
export interface Linked {
	readonly network: Network;
	readonly endpoint: Endpoint;
	readonly netnsPath: string;
}

/** Where a published port is: at the host's addresses, at the container's own, or at both. */
export type Reach = "host" | "own" | "both";

export interface HostAddress {
	readonly subnetId: string;
	readonly address: Ip | undefined;
}

interface Driver {
	/** As in `--driver`. */
	readonly name: string;
	/** Refuses options that it does not have or cannot take, and what else is asked for that contradicts them. */
	check(options: TextMap, asked: NetworkAsked): void;
}

/** A driver of which there is one network, which netd makes itself, and which nothing is connected to. */
export interface FixedDriver extends Driver {
	readonly kind: "fixed";
}

/** A driver whose networks have subnets, and endpoints with links of their own. */
export interface LinkedDriver extends Driver {
	readonly kind: "linked";
	/** Ports can be published on it. */
	publishes(network: Network): boolean;
	/** The link of the host's that is made for a network, known before it is made; undefined: none is. */
	interfaceOf(id: string, options: TextMap): IfName | undefined;
	/** A subnet of ipamd's as a network has it. */
	subnetAs(subnet: Subnet, options: TextMap): Subnet;
	/** The host's own link on the network, by which it finds endpoints; undefined: it does not. */
	hostLink(network: Network): IfName | undefined;
	/** The addresses that the host has itself on a network, to be leased before it is made: of which subnets, and which if it is said. */
	hostAddressesOf(network: Network): readonly HostAddress[];
	/** It may have some, whether its subnets are known yet or not. */
	hasHostAddresses(network: Network): boolean;
	/** Refuses a network that cannot be beside these, which were there first. */
	refuseBeside(network: Network, others: readonly Network[]): void;
	/** What its user should know of a new network; one sentence each. */
	warningsOf(network: Network): readonly string[];
	/** What the host has where the network takes it over, to be stored before that; undefined: nothing. */
	hostSettingsOf(network: Network): HostSettings | undefined;
	/** Makes what the network needs on the host, or mends what differs. */
	ensureNetwork(network: Network): void;
	/** Absent is success. */
	removeNetwork(network: Network): Promise<void>;
	/** Its place in the packet rules; undefined: none. */
	rulesOf(network: Network): NetworkRules | undefined;
	/** In each family. */
	reachOf(network: Network): Readonly<Record<Family, Reach>>;
	/** It has room for one endpoint, and not for more. */
	takesOne(network: Network): boolean;
	/** Makes the endpoint's link in the namespace, or mends what differs; its addresses need not be known yet. */
	ensureLink(network: Network, endpoint: Endpoint, netnsPath: string): Promise<void>;
	/** Gives the link its addresses and brings it up; resolves when frames pass. */
	ensureAddresses(network: Network, endpoint: Endpoint, netnsPath: string): Promise<void>;
	/** Of the names of its endpoints' interfaces: `eth` makes `eth0` and so on. */
	interfacePrefix(network: Network): string;
	/** Its link is there, as it was made. `legs` are those that the host was seen to have. */
	isLinked(at: Linked, legs: ReadonlyMap<string, ObservedLeg>): boolean;
	/** At once: no frame passes any more. What is left of the link, the reaper removes. Absent is success. */
	parkLink(at: Linked, options: { readonly ending: boolean }): Promise<void>;
	/** Absent is success. */
	removeLink(at: Omit<Linked, "network">): Promise<void>;
	/** Where ports go whose publisher said no address; undefined: every address. */
	hostBinding(network: Network): Ip | undefined;
}

export type AnyDriver = FixedDriver | LinkedDriver;

/** The sandbox's end of an endpoint's link, whose addresses are known by then. */
export function innerEndOf(
	{ network, endpoint, netnsPath }: Linked,
	more: Pick<InnerEnd, "hostInterface" | "isAnnounced">,
): InnerEnd {
	const { id, interface: name, mac, addresses } = endpoint;
	if (mac === undefined) throw new TypeError(`the endpoint ${id} has no address yet`);
	const { settings } = parseEndpointOptions(endpoint.options);
	return { ...more, netns: netnsPath, interface: name, mac, addresses, ipv6: network.ipv6, settings };
}

/** The host finds a new endpoint by its own link there, whatever somebody has written of its addresses before. */
export function ensureFound(
	links: Pick<Kernel["links"], "ensureReachable">,
	link: IfName | undefined,
	{ addresses, mac }: Endpoint,
): void {
	if (link === undefined || mac === undefined) return;
	for (const { ip } of addresses) links.ensureReachable({ interface: link, ip, mac });
}

/** Of an internal network on a segment of the outside's, as a warning: as Docker has it, it lacks the way out by a gateway, and nothing else. */
export function onSegment(network: string, of: string): string {
	return `The containers of ${network} have no default route, as it is internal; but they are on the segment of ${of}, and everybody there reaches them.`;
}
