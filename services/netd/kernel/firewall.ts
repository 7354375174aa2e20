/**
 * The host's packet rules: which networks there are and what may pass between them, and which ports of the host lead where.
 *
 * The rules are a fixed skeleton; networks and ports are elements of its sets. Every call is one transaction. A call that meets
 * no skeleton (somebody flushed it) makes it anew and does its part; `lost` then tells the owner, who has the rest put back.
 */
import type { IfName } from "#lib/address/if-name.ts";
import type { Family, Ip } from "#lib/address/ip.ts";
import type { Protocol } from "../port.ts";

/** A bridge's place in the rules. */
export interface NetworkRules {
	readonly bridge: IfName;
	/** Nothing passes from it to elsewhere, nor from elsewhere to it. */
	readonly internal: boolean;
	/** Of these families: what leaves the host from it gets the host's address. Families are in order, 4 first. */
	readonly masquerade: readonly Family[];
	/** Of a family in `masquerade`: this address instead, whichever interface it leaves by; at most one of each. */
	readonly sources: readonly Ip[];
	/** Its containers reach each other. */
	readonly neighbours: boolean;
	/** Of these families: everybody, other networks too, reaches its containers at their own addresses, by ICMP and at open ports. */
	readonly routed: readonly Family[];
	/** Of these families: everybody but other networks reaches its containers at their own addresses, at every port. */
	readonly unprotected: readonly Family[];
	/** What comes in by these interfaces reaches its containers at their own addresses, at open ports; sorted. */
	readonly trusted: readonly IfName[];
	/** Its bridge is a part of a segment beyond the host: what is on it counts as outside for all other networks. */
	readonly segment: boolean;
}

/** One port of the host for one family: an endpoint with two families has two of them. */
export interface Publication {
	readonly protocol: Protocol;
	/** Undefined: every address of the host, of the target's family. */
	readonly hostAddress: Ip | undefined;
	readonly hostPort: number;
	readonly target: Ip;
	readonly targetPort: number;
}

/**
 * A sandbox that has the address `target` on another network is on this bridge as well: it would answer a client there directly, and
 * not through the host, which alone knows what port the client asked. Such a client's source is masqueraded.
 */
export interface Shortcut {
	readonly bridge: IfName;
	readonly target: Ip;
}

/** One port of a container that is open at its own address, to those for whom its network's rules say so. */
export interface Opening {
	readonly protocol: Protocol;
	readonly target: Ip;
	readonly targetPort: number;
}

export type Published = Publication | Opening;

export function isPublication(published: Published): published is Publication {
	return "hostPort" in published;
}

export interface Rules {
	readonly networks: readonly NetworkRules[];
	readonly publications: readonly Published[];
	readonly shortcuts: readonly Shortcut[];
}

/** What the kernel was found to hold beyond what it should, and short of it; in words for the log. */
export interface Difference {
	readonly added: readonly string[];
	readonly removed: readonly string[];
}

/** What an operation is at work on: such elements are neither put back nor taken away. */
export interface Busy {
	readonly bridge: (name: IfName) => boolean;
	readonly hostPort: (port: Pick<Publication, "protocol" | "hostPort">) => boolean;
	readonly shortcut: (shortcut: Shortcut) => boolean;
	/** Of whatever container. */
	readonly openPort: (port: Pick<Opening, "protocol" | "targetPort">) => boolean;
}

export interface Firewall {
	/** The tables and chains. The operator's own chain keeps its rules. True when something was missing. */
	ensureSkeleton(): boolean;
	ensureNetwork(rules: NetworkRules): void;
	/** Absent is success. */
	removeNetwork(bridge: IfName): void;
	/** A port that leads elsewhere leads here from now on. */
	ensurePublished(publications: readonly Published[]): void;
	/** Cuts the flows through them at once. `kept` are the target's others. Absent is success. */
	removePublished(publications: readonly Published[], kept: readonly Published[]): void;
	ensureShortcuts(shortcuts: readonly Shortcut[]): void;
	/** Absent is success. */
	removeShortcuts(shortcuts: readonly Shortcut[]): void;
	/** Makes the kernel hold exactly these. */
	assert(rules: Rules, busy: Busy): Difference;
	observe(): Rules;
}
