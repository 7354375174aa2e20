/**
 * What the kernel told of changes, gathered from the datagrams of some moments: what the last word was about each link, and
 * which tables somebody was at.
 */
import { Cidr } from "#lib/address/cidr.ts";
import type { Family } from "#lib/address/ip.ts";
import { AF_INET6 } from "../family.ts";
import { familyNamed, type TableRef } from "../nft/element.ts";
import { AttributeSet, sequence } from "./attribute.ts";
import { IFLA } from "./link-format.ts";
import type { Instruction } from "./descriptor.ts";
import { decodeMessages, type Reply } from "./message.ts";
import { decodeRoute } from "./routes.ts";

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const RTM_NEWNEIGH = 28;
const RTM_DELNEIGH = 29;
const RTM_NEWNETCONF = 80;

/** The header of each kind of message: `struct ifinfomsg`, `rtmsg`, `netconfmsg` (padded), `nfgenmsg`. */
const LINK_BYTES = 16;
const ROUTE_BYTES = 12;
const NETCONF_BYTES = 4;
const NFGENMSG_BYTES = 4;

const IFF_UP = 0x1;
const RTA_OIF = 4;
const NETCONFA = { ifindex: 1, forwarding: 2 } as const;
const EVERY_LINK = 0xffff_ffff; // -1
/** The first attribute of every message about a table or what is in one is the table's name. */
const NFTA_TABLE = 1;
/** NFT_MSG_NEWGEN ends each transaction, and names no table. */
const NFT_MSG_NEWGEN = 15;

/** In `struct ifaddrmsg`. */
const ADDRESS_SCOPE = 3;
/** What is valid on one link only, and narrower ones. */
const RT_SCOPE_LINK = 253;
const LINK_LOCAL = Cidr.parse("fe80::/10");

/** In `struct ndmsg`, behind the header of 16 bytes: its family, and of its state the byte with NUD_PERMANENT. */
const [NEIGHBOUR_FAMILY, NEIGHBOUR_STATE] = [16, 24];
const NUD_PERMANENT = 0x80;
const PF_BRIDGE = 7;
/** Of classic BPF: load a byte or two (in the order of the network) at an offset, jump, return. */
const BPF = { byte: 0x30, half: 0x28, ifEqual: 0x15, ifSet: 0x45, end: 0x06 } as const;
const [ALL, NONE] = [0xffff_ffff, 0];

/**
 * The kernel tells of each neighbour that it asks for, hears of and forgets: of all these, only entries for good are let through,
 * which somebody has written. Bridges' forwarding entries are told in the same way, and are not let through either.
 */
export const WRITTEN_NEIGHBOURS: readonly Instruction[] = [
	[BPF.half, 0, 0, 4],
	[BPF.ifEqual, 5, 0, RTM_DELNEIGH << 8],
	[BPF.ifEqual, 0, 5, RTM_NEWNEIGH << 8],
	[BPF.byte, 0, 0, NEIGHBOUR_FAMILY],
	[BPF.ifEqual, 2, 0, PF_BRIDGE],
	[BPF.byte, 0, 0, NEIGHBOUR_STATE],
	[BPF.ifSet, 1, 0, NUD_PERMANENT],
	[BPF.end, 0, 0, NONE],
	[BPF.end, 0, 0, ALL],
];

export interface LinkNews {
	readonly state: "up" | "down" | "gone";
	/** It is a port of a bridge or of another master. */
	readonly isPort: boolean;
}

export interface News {
	/** More changed than could be told: anything may have. */
	readonly overrun: boolean;
	/** The last word about each link, by its name. */
	readonly links: ReadonlyMap<string, LinkNews>;
	/** Indexes of links that lost an address. */
	readonly addressLosses: ReadonlySet<number>;
	/** Indexes of links that lost a route. */
	readonly routeLosses: ReadonlySet<number>;
	/**
	 * An address or a route was added, or changed; told only where additions are gathered. Not what every link has of itself as soon as it
	 * is up: its link-local address, the routes to that, to multicast and to broadcast addresses.
	 */
	readonly added: boolean;
	/** Indexes of links where somebody has written who has an address. */
	readonly writtenNeighbours: ReadonlySet<number>;
	/** Packets of these families are no longer forwarded. */
	readonly forwardingOff: ReadonlySet<Family>;
	/** Tables that were made, changed or removed, as `inet filter`, by other sockets than those that are passed over. */
	readonly tables: ReadonlySet<string>;
}

/** How a table is called in `News`. */
export function tableKey({ family, table }: TableRef): string {
	return `${family} ${table}`;
}

export class Gathering implements News {
	readonly #additions: boolean;
	overrun = false;
	added = false;
	readonly links = new Map<string, LinkNews>();
	readonly addressLosses = new Set<number>();
	readonly routeLosses = new Set<number>();
	readonly writtenNeighbours = new Set<number>();
	readonly forwardingOff = new Set<Family>();
	readonly tables = new Set<string>();

	constructor({ additions }: { readonly additions: boolean }) {
		this.#additions = additions;
	}

	get isEmpty(): boolean {
		const { links, addressLosses, routeLosses, writtenNeighbours, forwardingOff, tables } = this;
		const all = [links, addressLosses, routeLosses, writtenNeighbours, forwardingOff, tables];
		return !this.overrun && !this.added && all.every((collection) => collection.size === 0);
	}

	/** A datagram of rtnetlink. */
	addRoute(datagram: Buffer): void {
		for (const message of decodeMessages(datagram)) this.#addMessage(message);
	}

	/** A datagram of nf_tables; what the sockets `passedOver` did is not news. */
	addTables(datagram: Buffer, passedOver: ReadonlySet<number>): void {
		for (const { type, portId, body } of decodeMessages(datagram)) {
			if (passedOver.has(portId) || (type & 0xff) === NFT_MSG_NEWGEN) continue;
			const family = familyNamed(body.readUInt8(0));
			const table = AttributeSet.decode(body.subarray(NFGENMSG_BYTES)).string(NFTA_TABLE);
			if (family !== undefined && table !== undefined) this.tables.add(tableKey({ family, table }));
		}
	}

	#addMessage({ type, body }: Reply): void {
		switch (type) {
			case RTM_NEWLINK:
			case RTM_DELLINK:
				return this.#addLink(type, body);
			case RTM_NEWADDR:
				this.added ||= this.#additions && body.readUInt8(ADDRESS_SCOPE) < RT_SCOPE_LINK;
				return;
			case RTM_NEWROUTE:
				this.added ||= this.#additions && leadsSomewhere(body);
				return;
			case RTM_DELADDR:
				this.addressLosses.add(body.readUInt32LE(4));
				return;
			case RTM_DELROUTE: {
				const link = AttributeSet.decode(body.subarray(ROUTE_BYTES)).u32(RTA_OIF);
				if (link !== undefined) this.routeLosses.add(link);
				return;
			}
			case RTM_NEWNEIGH:
				this.writtenNeighbours.add(body.readUInt32LE(4));
				return;
			case RTM_NEWNETCONF:
				return this.#addSetting(body);
			default:
		}
	}

	#addLink(type: number, body: Buffer): void {
		// A bridge tells of its ports by messages of its own family, which end when the port does, not the link.
		if (body.readUInt8(0) !== 0) return;
		let name = "";
		let isPort = false;
		for (const [attribute, payload] of sequence(body.subarray(LINK_BYTES))) {
			if (attribute === IFLA.ifname) name = payload.toString("utf8", 0, payload.indexOf(0));
			if (attribute === IFLA.master) isPort = true;
			// Those two come before it, and the long ones behind.
			if (attribute === IFLA.linkInfo) break;
		}
		const state = type === RTM_DELLINK ? "gone" : (body.readUInt32LE(8) & IFF_UP) === 0 ? "down" : "up";
		this.links.set(name, { state, isPort });
	}

	#addSetting(body: Buffer): void {
		const attributes = AttributeSet.decode(body.subarray(NETCONF_BYTES));
		if (attributes.u32(NETCONFA.ifindex) !== EVERY_LINK || attributes.u32(NETCONFA.forwarding) !== 0) return;
		this.forwardingOff.add(body.readUInt8(0) === AF_INET6 ? 6 : 4);
	}
}

function leadsSomewhere(body: Buffer): boolean {
	const { type, destination } = decodeRoute(body);
	return type !== "broadcast" && type !== "anycast" && type !== "multicast" && !LINK_LOCAL.contains(destination);
}
