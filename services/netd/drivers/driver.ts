/** What makes a network of one kind out of the kernel's parts. A driver keeps nothing: everything is in the network's row. */
import type { IfName } from "#lib/address/if-name.ts";
import type { Ip } from "#lib/address/ip.ts";
import type { Endpoint } from "../endpoint.ts";
import type { NetworkRules } from "../kernel/firewall.ts";
import type { Network, TextMap } from "../network.ts";

interface Driver {
	/** As in `--driver`. */
	readonly name: string;
	/** Refuses options that it does not have or cannot take. */
	check(options: TextMap): void;
}

/** A driver of which there is one network, which netd makes itself, and which nothing is connected to. */
export interface FixedDriver extends Driver {
	readonly kind: "fixed";
}

/** A driver whose networks have subnets, and endpoints with links of their own. */
export interface LinkedDriver extends Driver {
	readonly kind: "linked";
	/** The host's interface of a network, known before it is made. */
	interfaceOf(id: string, options: TextMap): IfName;
	/** Makes what the network needs on the host, or mends what differs. */
	ensureNetwork(network: Network): void;
	/** Absent is success. */
	removeNetwork(network: Network): Promise<void>;
	/** Its place in the packet rules. */
	rulesOf(network: Network): NetworkRules;
	/** Makes the endpoint's link in the namespace, or mends what differs; its addresses need not be known yet. */
	ensureLink(network: Network, endpoint: Endpoint, netnsPath: string): Promise<void>;
	/** Gives the link its addresses and brings it up; resolves when frames pass. */
	ensureAddresses(network: Network, endpoint: Endpoint, netnsPath: string): Promise<void>;
	/** Of the names of its endpoints' interfaces: `eth` makes `eth0` and so on. */
	interfacePrefix(network: Network): string;
	/** Where ports go whose publisher said no address; undefined: every address. */
	hostBinding(network: Network): Ip | undefined;
}

export type AnyDriver = FixedDriver | LinkedDriver;
