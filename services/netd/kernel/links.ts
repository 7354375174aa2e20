/**
 * What netd asks of the kernel's links: bridges, the legs of endpoints, macvlans, and the routes inside a sandbox.
 *
 * A link is ours when its alias says so (`mark`), or its name is one that only an id of ours makes: a crash can come between
 * the making of a link and its alias. Everything else is somebody else's, is refused, and is never touched.
 */
import type { Cidr, IpInterface } from "#lib/address/cidr.ts";
import type { IfName } from "#lib/address/if-name.ts";
import type { Family, Ip } from "#lib/address/ip.ts";
import type { Mac } from "#lib/address/mac.ts";

/** A network's bridge as it shall be. */
export interface Bridge {
	readonly name: IfName;
	readonly networkId: string;
	/** From the start: a bridge without one changes it with its ports, and neighbours lose it. */
	readonly mac: Mac;
	readonly mtu: number;
	/** The gateways' addresses, of at most one subnet of each family. */
	readonly addresses: readonly IpInterface[];
	readonly ipv6: boolean;
	/** Its IPv4 addresses are somebody else's: none is added, and none taken away. */
	readonly inhibitIpv4: boolean;
	/** Its containers are on the segment of an interface of the host's; the addresses on it are the host's, or none. */
	readonly uplink?: Uplink | undefined;
}

/** An interface of the host's that is a port of a network's bridge. */
export interface Uplink {
	readonly name: IfName;
	/** What the host has of the network layer there goes to the bridge, and back when that ends. */
	readonly moves: boolean;
	/** What it was, for when somebody else took the bridge away. */
	readonly settings: HostSettings | undefined;
}

/** The host's addresses and routes at an interface, as far as they are put back. */
export interface HostSettings {
	/** They hold while the machine runs: at its next start others may be right. */
	readonly bootId: string;
	readonly addresses: readonly IpInterface[];
	readonly routes: readonly HostRoute[];
}

export interface HostRoute {
	readonly destination: Cidr;
	readonly gateway: Ip | undefined;
	readonly source: Ip | undefined;
	readonly metric: number | undefined;
	readonly table: number;
}

/** An endpoint's veth pair as it shall be: one end on the bridge and up, the other born in the sandbox, and down. */
export interface Leg {
	readonly endpointId: string;
	readonly hostInterface: IfName;
	readonly bridge: IfName;
	readonly netns: string;
	readonly interface: IfName;
	readonly mtu: number;
	/** Frames may leave by the port they came in at: what is published is reached by its own container. */
	readonly hairpin: boolean;
	/** No frame passes between it and the bridge's other isolated legs. */
	readonly isolated: boolean;
}

/** The link of the host's that a network's macvlans are on. */
export interface Parent {
	readonly name: IfName;
	readonly networkId: string;
	/** What macvlans on it need at least, in bytes; undefined: they take what it has. */
	readonly mtu: number | undefined;
	/** What netd makes where it is not there; undefined: it is the host's own, and left as it is. */
	readonly made: MadeParent | undefined;
}

/** A sub-interface by 802.1Q (`id` is 1 to 4094), or a link that leads nowhere. */
export type MadeParent =
	| { readonly kind: "802.1q"; readonly on: IfName; readonly id: number }
	| { readonly kind: "dummy" };

/**
 * Who a macvlan's frames reach: the others on its parent as well (`bridge`), or only what is beyond the parent (`private`); the
 * others by way of a switch there that sends back (`vepa`); the only one on its parent (`passthru`).
 */
export type MacvlanMode = "bridge" | "private" | "vepa" | "passthru";

/** The host's own macvlan beside those of a network's endpoints, in the mode `bridge`: by it the host reaches them, and they it. */
export interface Shim {
	readonly name: IfName;
	readonly networkId: string;
	readonly parent: IfName;
	readonly mac: Mac;
	/** Undefined: the parent's. */
	readonly mtu: number | undefined;
	/** At most one of each family. */
	readonly ways: readonly ShimWay[];
}

export interface ShimWay {
	/** The host's. */
	readonly address: Ip;
	/** What the host reaches by it, from that address. */
	readonly range: Cidr;
}

export interface MacvlanRef {
	readonly endpointId: string;
	readonly netns: string;
}

/** An endpoint's macvlan as it shall be: in the sandbox, on a link of the host's, and down. */
export interface Macvlan extends MacvlanRef {
	readonly interface: IfName;
	readonly parent: IfName;
	readonly mode: MacvlanMode;
	/** Undefined: the parent's. */
	readonly mtu: number | undefined;
}

export interface ObservedMacvlan {
	readonly interface: IfName;
	readonly endpointId: string;
	readonly parent: IfName | undefined;
	readonly mode: MacvlanMode | undefined;
	readonly up: boolean;
}

/** The sandbox's end of a leg, or its macvlan, as it shall be. */
export interface InnerEnd {
	/** Undefined: a macvlan, which has no other end. */
	readonly hostInterface: IfName | undefined;
	readonly netns: string;
	readonly interface: IfName;
	readonly mac: Mac;
	readonly addresses: readonly IpInterface[];
	readonly ipv6: boolean;
	/** Neighbours may know its addresses by another MAC, and are told. */
	readonly isAnnounced: boolean;
	/** Written before it has addresses. */
	readonly settings: readonly Setting[];
}

/** A kernel setting of one interface: `net/ipv4/conf`, `log_martians`, `1`. */
export interface Setting {
	readonly group: string;
	readonly name: string;
	readonly value: string;
}

/** The default route's gateway of each family; none leaves the family without one. */
export interface DefaultRoutes {
	readonly 4?: Ip | undefined;
	readonly 6?: Ip | undefined;
}

/** What leaves from an address for elsewhere goes by its own network's gateway, wherever the default route leads. */
export interface SourceRoute {
	readonly source: Ip;
	readonly gateway: Ip;
	/** Inside the sandbox. */
	readonly interface: IfName;
}

/** Who has an address on a link of the host's. */
export interface HostNeighbour {
	readonly interface: IfName;
	readonly ip: Ip;
	readonly mac: Mac;
}

/** Its MAC is undefined where there is none to have. */
export type WrittenNeighbour = Omit<HostNeighbour, "mac"> & { readonly mac: Mac | undefined };

export interface ObservedBridge {
	readonly name: IfName;
	/** From the mark; undefined where a crash came before it. */
	readonly networkId: string | undefined;
}

export interface ObservedLeg {
	readonly hostInterface: IfName;
	readonly endpointId: string | undefined;
	/** The bridge that it is a port of. */
	readonly bridge: IfName | undefined;
	readonly up: boolean;
}

/** The leg is up, and a port of this bridge. */
export function isInPlace(leg: ObservedLeg | undefined, bridge: IfName | undefined): boolean {
	return leg !== undefined && leg.up && leg.bridge === bridge;
}

/** What is inside a sandbox, whoever put it there. */
export interface ObservedInside {
	readonly interfaces: ReadonlyMap<string, { readonly up: boolean; readonly addresses: readonly IpInterface[] }>;
	/** Families that have a default route, wherever it leads. */
	readonly defaultRoutes: ReadonlySet<Family>;
}

export interface Links {
	/** The host forwards packets. */
	ensureForwarding(families: { readonly ipv6: boolean }): void;
	/**
	 * Makes the bridge, or mends what differs. Fault INTERFACE_EXISTS where the name is somebody else's; PARENT_NOT_FOUND,
	 * PARENT_UNUSABLE and UPLINK_HAS_ADDRESSES, before anything is made, for an uplink that cannot be one. What moves does so in
	 * one step, which no crash divides.
	 */
	ensureBridge(bridge: Bridge): void;
	/** What the host has at an uplink, or, where that has moved, at its bridge; of a link that is down nothing is to be learnt. */
	observeUplink(bridge: IfName, uplink: IfName): HostSettings;
	/**
	 * What was moved from an uplink goes back to it first.
	 * Removes a parent that was made, and a shim, as well. Takes an RCU wait of some 30 ms. Absent, and a link of that name that is not this
	 * network's, is success.
	 */
	removeBridge(bridge: Pick<Bridge, "name" | "networkId" | "uplink">): Promise<void>;
	/** A link of the host's has this name, whoever made it. */
	isThere(name: IfName): boolean;
	/**
	 * Makes the parent, or looks whether the host's can be used. Fault PARENT_NOT_FOUND, PARENT_UNUSABLE, LINK_KIND_UNSUPPORTED
	 * where the kernel has no such kind of link, INTERFACE_EXISTS where the name is somebody else's.
	 */
	ensureParent(parent: Parent): void;
	/**
	 * Makes the shim, or mends what differs; it goes by `removeBridge`. Fault PARENT_NOT_FOUND, INTERFACE_EXISTS, and, before it is
	 * made, SHIM_RANGE_TAKEN where another link of the host's has an address in one of the ranges.
	 */
	ensureShim(shim: Shim): void;
	/** Makes the macvlan, or makes it anew where it differs; no frame passes yet. Fault PARENT_NOT_FOUND. */
	ensureMacvlan(macvlan: Macvlan): Promise<void>;
	/** Takes an RCU wait of some 15 ms. Absent is success, the namespace too. */
	removeMacvlan(macvlan: MacvlanRef): Promise<void>;
	/** Those in a namespace that are marked as ours. */
	macvlans(netns: string): readonly ObservedMacvlan[];
	/**
	 * Makes the leg, or mends what differs. The sandbox's end is up, which is the slow part, and has its MAC, its addresses and IPv6
	 * by `ensureInnerEnd`. The bridge and the namespace must be there.
	 */
	ensureLeg(leg: Leg): Promise<void>;
	/**
	 * Gives the sandbox's end of a leg, or its macvlan, its addresses and brings it up; resolves when frames pass and neighbours have
	 * been told. Fault SETTING_REFUSED.
	 */
	ensureInnerEnd(end: InnerEnd): Promise<void>;
	/** A leg that somebody has taken off its bridge, or away, is passed over: who mends that makes it as it shall be. */
	setHairpin(hostInterface: IfName, hairpin: boolean): void;
	/** At once: no frame passes any more, and the sandbox's end is down where the sandbox is given. Absent is success. */
	parkLeg(hostInterface: IfName, inside?: { readonly netns: string; readonly interface: IfName }): void;
	/** Both ends; takes an RCU wait of some 15 ms. Absent is success. */
	removeLeg(hostInterface: IfName): Promise<void>;
	/** While it is held, what is asked and changed inside this namespace goes by one door, which keeps the namespace; undefined where there is none. */
	visit(netns: string): Disposable | undefined;
	/** Names that are taken inside a namespace. */
	interfaces(netns: string): IfName[];
	/** Takes some 100 µs, with no process. */
	observeInside(netns: string): ObservedInside;
	/** Makes these the sandbox's default routes, in place of others. A gateway must be on one of its links. */
	ensureDefaultRoutes(netns: string, routes: DefaultRoutes): void;
	/**
	 * Makes these the sandbox's, in place of others. One whose interface is not there, is down or has no way to the gateway is passed
	 * over: a container may change its own, and its other networks are not to suffer for it.
	 */
	ensureSourceRoutes(netns: string, routes: readonly SourceRoute[]): void;
	/** What somebody has written for good about who has an address, at whatever link of the host's; what the kernel learns is none. */
	writtenNeighbours(): readonly WrittenNeighbour[];
	/** The host finds the address under this MAC; where somebody has written another one that is removed, and true. Absent is success. */
	ensureReachable(neighbour: HostNeighbour): boolean;
	observe(): { readonly bridges: readonly ObservedBridge[]; readonly legs: readonly ObservedLeg[] };
}
