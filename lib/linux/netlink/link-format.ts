/** How rtnetlink writes a link: `struct ifinfomsg`, its attributes, and a link as it is read (rtnetlink(7)). */
import { type IfName, parseIfName } from "#lib/address/if-name.ts";
import { type Mac, macFromBytes } from "#lib/address/mac.ts";
import { AttributeSet } from "./attribute.ts";

export const IFLA = {
	address: 1,
	ifname: 3,
	mtu: 4,
	link: 5,
	master: 10,
	operstate: 16,
	linkInfo: 18,
	ifalias: 20,
	extMask: 29,
	netNsFd: 28,
	linkNetnsid: 37,
} as const;

/** Inside IFLA.linkInfo. */
export const INFO_KIND = 1;
export const INFO_DATA = 2;

/** Inside INFO_DATA of a macvlan (IFLA_MACVLAN_MODE), and its values. */
export const MACVLAN_MODE = 1;
export const MACVLAN_MODES = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const;
export type MacvlanMode = keyof typeof MACVLAN_MODES;

const HEADER_BYTES = 16;
const MAC_BYTES = 6;

const IFF_UP = 0x1;
const IFF_NOARP = 0x80;
const IFF_LOOPBACK = 0x8;
const IFF_LOWER_UP = 0x1_0000;

/** RFC 2863; the kernel says `unknown` for links that have no notion of it, as `lo`. */
const OPERATIONAL = ["unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up"] as const;
type Operational = (typeof OPERATIONAL)[number];

export interface Link {
	readonly index: number;
	readonly name: IfName;
	/** "bridge", "veth", "vxlan" …; absent for real devices and `lo`. */
	readonly kind: string | undefined;
	readonly mac: Mac | undefined;
	readonly mtu: number;
	/** Set up by an administrator; says nothing about a carrier. */
	readonly up: boolean;
	readonly carrier: boolean;
	readonly operational: Operational;
	readonly loopback: boolean;
	/** Index of the bridge (or other master) that the link is a port of. */
	readonly master: number | undefined;
	/** Index of the veth's other end or of the lower link, in the namespace `lowerNetnsId` if that is there, else in this one. */
	readonly lower: number | undefined;
	readonly lowerNetnsId: number | undefined;
	readonly alias: string | undefined;
	/** Undefined for every other kind of link, and for modes that are not among these. */
	readonly macvlanMode: MacvlanMode | undefined;
}

export interface HeaderFields {
	readonly family?: number | undefined;
	readonly index?: number | undefined;
	readonly up?: boolean | undefined;
	/** Neighbours are asked for. */
	readonly arp?: boolean | undefined;
}

/** `struct ifinfomsg`. What is undefined leaves its flag as it is. */
export function interfaceHeader(fields: HeaderFields): Buffer {
	const header = Buffer.alloc(HEADER_BYTES);
	header.writeUInt8(fields.family ?? 0, 0);
	header.writeInt32LE(fields.index ?? 0, 4);
	const up = fields.up === true ? IFF_UP : 0;
	const noarp = fields.arp === false ? IFF_NOARP : 0;
	header.writeUInt32LE(up | noarp, 8);
	header.writeUInt32LE((fields.up === undefined ? 0 : IFF_UP) | (fields.arp === undefined ? 0 : IFF_NOARP), 12);
	return header;
}

export function linkAttributes(body: Buffer): AttributeSet {
	return AttributeSet.decode(body.subarray(HEADER_BYTES));
}

export function decodeLink(body: Buffer, attributes = linkAttributes(body)): Link {
	const flags = body.readUInt32LE(8);
	const address = attributes.bytes(IFLA.address);
	const info = attributes.nested(IFLA.linkInfo);
	const kind = info?.string(INFO_KIND);
	return {
		index: body.readInt32LE(4),
		name: parseIfName(attributes.string(IFLA.ifname) ?? ""),
		kind,
		mac: address?.length === MAC_BYTES ? macFromBytes(address) : undefined,
		mtu: attributes.u32(IFLA.mtu) ?? 0,
		up: (flags & IFF_UP) !== 0,
		carrier: (flags & IFF_LOWER_UP) !== 0,
		operational: OPERATIONAL[attributes.u8(IFLA.operstate) ?? 0] ?? "unknown",
		loopback: (flags & IFF_LOOPBACK) !== 0,
		master: attributes.u32(IFLA.master),
		lower: attributes.u32(IFLA.link),
		lowerNetnsId: attributes.u32(IFLA.linkNetnsid),
		alias: attributes.string(IFLA.ifalias),
		macvlanMode: kind === "macvlan" ? modeOf(info?.nested(INFO_DATA)?.u32(MACVLAN_MODE)) : undefined,
	};
}

function modeOf(value: number | undefined): MacvlanMode | undefined {
	return (["private", "vepa", "bridge", "passthru"] as const).find((mode) => MACVLAN_MODES[mode] === value);
}
