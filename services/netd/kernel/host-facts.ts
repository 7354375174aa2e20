/** What is on the host beside netd's own things and bears on them: read when somebody asks how the host is, and never changed here. */
import type { Cidr } from "#lib/address/cidr.ts";
import type { IfName } from "#lib/address/if-name.ts";
import type { Family } from "#lib/address/ip.ts";

export interface HostFacts {
	/** Everything at once: some milliseconds, a tenth of a second with 900 legs; more where a foreign table that drops is large. */
	observe(): ObservedHost;
}

export interface ObservedHost {
	/** Of the kernel as a whole; IPv6 undefined where the kernel has none. */
	readonly forwards: { readonly 4: boolean; readonly 6: boolean | undefined };
	/** Whether frames inside a bridge are shown to the packet rules (br_netfilter). */
	readonly showsBridged: { readonly 4: boolean; readonly 6: boolean };
	readonly links: readonly HostLink[];
	/** Of every table but the kernel's own of local addresses. */
	readonly routes: readonly HostRoute[];
	/** The rules of others that forwarded packets meet, as far as they drop by default. */
	readonly droppers: readonly Dropper[];
	/** Programs whose packet rules netd cannot read, where they have tables of them: `iptables-legacy`. */
	readonly unreadable: readonly ("iptables-legacy" | "ip6tables-legacy")[];
	/** Tracked connections; undefined where the kernel tracks none. */
	readonly conntrack: Fill | undefined;
	/** By family: the machine's table, without the permanent entries of this namespace, for which there is no limit. */
	readonly neighbours: readonly (Fill & { readonly family: Family })[];
	/** The ports that connections are given, both ends included, and those that are kept out of it. */
	readonly ephemeral: PortRange & { readonly kept: readonly PortRange[] };
	/** What netd needs of the kernel and does not find. */
	readonly missing: readonly MissingFeature[];
}

export interface HostLink {
	readonly name: IfName;
	readonly mtu: number;
	/** The bridge that it is a port of. */
	readonly master: IfName | undefined;
	/** IPv4 packets that come in are forwarded; true for a port, whose bridge is asked. */
	readonly forwards: boolean;
	/** IPv6 is on; false where the kernel has none. */
	readonly ipv6: boolean;
}

export interface HostRoute {
	readonly destination: Cidr;
	/** Several for a multipath route, none for a blackhole. */
	readonly links: readonly IfName[];
	/** Lower wins; 0 where there is none. */
	readonly metric: number;
	/** 254 is the main one. */
	readonly table: number;
}

/** A base chain of somebody else at the forward hook that drops or rejects what none of its rules accepts. */
export interface Dropper {
	readonly family: "ip" | "ip6" | "inet" | "bridge";
	readonly table: string;
	readonly chain: string;
	/** All chains of the table, by which its owner is known. */
	readonly chains: readonly string[];
	/** Those that every packet comes by. */
	readonly reached: readonly string[];
	readonly accepts: readonly Accepted[];
}

/** What a chain accepts: packets between these interfaces, whatever else they are. `wh*` stands for what begins so; undefined for any. */
export interface Accepted {
	readonly in: string | undefined;
	readonly out: string | undefined;
	/** Only what is translated: published ports. */
	readonly translated: boolean;
	/** Only what netd has marked as its networks' for this hook: by its own rule in that chain. */
	readonly ours: boolean;
}

export interface Fill {
	readonly entries: number;
	readonly limit: number;
}

export interface PortRange {
	readonly first: number;
	readonly last: number;
}

export interface MissingFeature {
	/** As `bridges`. */
	readonly feature: string;
	/** The kernel module that has it. */
	readonly module: string;
	/** The kernel's own. */
	readonly words: string;
}
