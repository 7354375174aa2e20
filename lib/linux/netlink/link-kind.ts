/** The kinds of links that wharf makes, and each one's own attributes (IFLA_INFO_DATA). */
import type { Ip } from "#lib/address/ip.ts";
import type { IfName } from "#lib/address/if-name.ts";
import { type Mac, macToBytes } from "#lib/address/mac.ts";
import * as attribute from "./attribute.ts";
import {
	IFLA,
	INFO_DATA,
	INFO_KIND,
	interfaceHeader,
	MACVLAN_MODE,
	MACVLAN_MODES,
	type MacvlanMode,
} from "./link-format.ts";

const INFO_SLAVE_KIND = 4;
const INFO_SLAVE_DATA = 5;

const VETH_INFO_PEER = 1;

const BR_MCAST_SNOOPING = 23;

const VLAN_ID = 1;

const VXLAN = { id: 1, link: 3, local: 4, learning: 7, port: 15, local6: 17 } as const;

/** What the far end of a veth pair is born with. */
export interface VethPeer {
	readonly name: IfName;
	/** Where it is born: a namespace's path. It is never seen anywhere else. */
	readonly netns: string;
	readonly mac?: Mac | undefined;
	readonly mtu?: number | undefined;
}

export interface BridgeOptions {
	/** The kernel's default is on. */
	readonly multicastSnooping?: boolean | undefined;
}

export interface VxlanOptions {
	/** The VXLAN network identifier, 24 bits. */
	readonly vni: number;
	/** UDP port of the underlay. The kernel's own default is not IANA's 4789, so it is always said. */
	readonly port: number;
	/** Source address in the underlay. */
	readonly local?: Ip | undefined;
	/** Index of the underlay's link. */
	readonly underlay?: number | undefined;
	/** Learn far addresses from traffic, instead of having them written. */
	readonly learning: boolean;
}

export interface MacvlanOptions {
	/** Index of the lower link. */
	readonly lower: number;
	readonly mode: MacvlanMode;
}

export function bridgeInfo(options: BridgeOptions): attribute.Attribute {
	const snooping = options.multicastSnooping;
	return info("bridge", [snooping === undefined ? undefined : attribute.u8(BR_MCAST_SNOOPING, snooping ? 1 : 0)]);
}

/** `netnsFd` is an open descriptor of `peer.netns`. */
export function vethInfo(peer: VethPeer, netnsFd: number): attribute.Attribute {
	const nested = Buffer.concat([
		interfaceHeader({}),
		attribute.join([
			attribute.string(IFLA.ifname, peer.name),
			attribute.u32(IFLA.netNsFd, netnsFd),
			peer.mac === undefined ? undefined : attribute.bytes(IFLA.address, macToBytes(peer.mac)),
			peer.mtu === undefined ? undefined : attribute.u32(IFLA.mtu, peer.mtu),
		]),
	]);
	return info("veth", [attribute.bytes(VETH_INFO_PEER, nested)]);
}

export function vxlanInfo(options: VxlanOptions): attribute.Attribute {
	const { local, underlay } = options;
	return info("vxlan", [
		attribute.u32(VXLAN.id, options.vni),
		attribute.be16(VXLAN.port, options.port),
		attribute.u8(VXLAN.learning, options.learning ? 1 : 0),
		local === undefined ? undefined : attribute.bytes(local.family === 4 ? VXLAN.local : VXLAN.local6, local.toBytes()),
		underlay === undefined ? undefined : attribute.u32(VXLAN.link, underlay),
	]);
}

export function macvlanInfo(options: MacvlanOptions): attribute.Attribute {
	return info("macvlan", [attribute.u32(MACVLAN_MODE, MACVLAN_MODES[options.mode])]);
}

export interface VlanOptions {
	/** Index of the link whose frames are tagged. */
	readonly lower: number;
	/** The 802.1Q VLAN identifier, 1 to 4094. */
	readonly id: number;
}

export function vlanInfo(options: VlanOptions): attribute.Attribute {
	return info("vlan", [attribute.u16(VLAN_ID, options.id)]);
}

export function dummyInfo(): attribute.Attribute {
	return info("dummy", []);
}

/** Only the kind: what a filter of a dump holds. */
export function kindFilter(kind: string): attribute.Attribute {
	return attribute.nested(IFLA.linkInfo, [attribute.string(INFO_KIND, kind)]);
}

/** Flags of a bridge's port (IFLA_BRPORT_*); what is undefined stays as it is. */
const PORT_FLAGS = { hairpin: 4, learning: 8, unicastFlood: 9, neighbourSuppression: 32, isolated: 33 } as const;

export interface BridgePortChange {
	readonly hairpin?: boolean | undefined;
	readonly learning?: boolean | undefined;
	readonly unicastFlood?: boolean | undefined;
	readonly neighbourSuppression?: boolean | undefined;
	/** Isolated ports of a bridge do not reach each other. */
	readonly isolated?: boolean | undefined;
}

export function bridgePortInfo(change: BridgePortChange): attribute.Attribute {
	const flags = Object.entries(PORT_FLAGS).map(([name, type]) => {
		// The keys of PORT_FLAGS are those of BridgePortChange.
		const value = change[name as keyof typeof PORT_FLAGS];
		return value === undefined ? undefined : attribute.u8(type, value ? 1 : 0);
	});
	return attribute.nested(IFLA.linkInfo, [
		attribute.string(INFO_SLAVE_KIND, "bridge"),
		attribute.nested(INFO_SLAVE_DATA, flags),
	]);
}

function info(kind: string, data: attribute.Attributes): attribute.Attribute {
	return attribute.nested(IFLA.linkInfo, [attribute.string(INFO_KIND, kind), attribute.nested(INFO_DATA, data)]);
}
