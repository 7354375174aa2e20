/** Networks and publications as elements of the skeleton's sets, and back. Pure. */
import { type IfName, parseIfName } from "#lib/address/if-name.ts";
import { type Family, Ip } from "#lib/address/ip.ts";
import type { SetRef } from "#lib/linux/nft/element.ts";
import { address, concatenation, ifname, inetProto, PROTOCOLS, service } from "#lib/linux/nft/field.ts";
import type { Protocol } from "../../port.ts";
import {
	isPublication,
	type NetworkRules,
	type Opening,
	type Publication,
	type Published,
	type Shortcut,
} from "../firewall.ts";
import { TABLE } from "./skeleton.ts";

/** One element, and where it belongs. */
export interface Placed {
	readonly set: SetRef;
	readonly key: Uint8Array;
	readonly data?: Uint8Array | undefined;
}

export const NETWORK_SETS = {
	bridges: { ...TABLE, set: "bridges" },
	internal: { ...TABLE, set: "internal" },
	connected: { ...TABLE, set: "connected" },
	separated: { ...TABLE, set: "separated" },
	/** By the bridge, then the interface that it trusts. */
	trusted: { ...TABLE, set: "trusted" },
} as const satisfies Record<string, SetRef>;

/** One set for each family. */
function ofFamilies(name: string): Readonly<Record<Family, SetRef>> {
	return { 4: { ...TABLE, set: `${name}4` }, 6: { ...TABLE, set: `${name}6` } };
}

/** What holds of a bridge in one family. */
export const FAMILY_SETS = {
	masquerade: ofFamilies("masqueraded"),
	routed: ofFamilies("routed"),
	unprotected: ofFamilies("unprotected"),
} as const;

/** What leaves a bridge gets this source. */
const SOURCES = ofFamilies("sources");
const AT = ofFamilies("published_at");
const ANYWHERE = ofFamilies("published");
const SHORTCUTS = ofFamilies("shortcuts");
const FLOWS = ofFamilies("flows");
/** Ports of containers at their own addresses. */
const OPEN = ofFamilies("open");

const FAMILIES = [4, 6] as const;
const IFNAME_BYTES = 16;

/** Ports that the host's own firewall is asked about, under the keys of the maps of translations. */
const ASKED_AT = ofFamilies("asked_at");
const ASKED = ofFamilies("asked");

/** Every set whose elements are ours to add and remove. */
export const SETS: readonly SetRef[] = [
	...Object.values(NETWORK_SETS),
	...[...Object.values(FAMILY_SETS), SOURCES, SHORTCUTS, AT, ANYWHERE, FLOWS, ASKED_AT, ASKED, OPEN].flatMap((sets) =>
		FAMILIES.map((family) => sets[family]),
	),
];

/** The same for the same element, whatever its datum. */
export function placeOf({ set, key }: Pick<Placed, "set" | "key">): string {
	return `${set.set} ${Buffer.from(key).toString("hex")}`;
}

export function networkElements(rules: NetworkRules): Placed[] {
	const { bridge, internal, neighbours, sources, trusted, segment } = rules;
	const single = concatenation(ifname(bridge));
	const pair = concatenation(ifname(bridge), ifname(bridge));
	return [
		...(segment ? [] : [{ set: NETWORK_SETS.bridges, key: single }]),
		...(internal ? [{ set: NETWORK_SETS.internal, key: single }] : []),
		...(["masquerade", "routed", "unprotected"] as const).flatMap((what) =>
			rules[what].map((family) => ({ set: FAMILY_SETS[what][family], key: single })),
		),
		...sources.map((ip) => ({ set: SOURCES[ip.family], key: single, data: address(ip) })),
		...trusted.map((name) => ({ set: NETWORK_SETS.trusted, key: concatenation(ifname(bridge), ifname(name)) })),
		{ set: neighbours ? NETWORK_SETS.connected : NETWORK_SETS.separated, key: pair },
	];
}

/** Every place where a bridge may be, but those beside interfaces that it trusts: they are found in their set. */
export function networkPlaces(bridge: IfName): Placed[] {
	const every: NetworkRules = {
		bridge,
		internal: true,
		masquerade: FAMILIES,
		sources: [Ip.of(4, 0n), Ip.of(6, 0n)],
		neighbours: true,
		routed: FAMILIES,
		unprotected: FAMILIES,
		trusted: [],
		segment: false,
	};
	return [...networkElements(every), ...networkElements({ ...every, neighbours: false }).slice(-1)];
}

/** All that it takes. */
export function published(one: Published): Placed[] {
	return isPublication(one) ? [flow(one), translation(one)] : [opening(one)];
}

/** What several may share: two publications of one host port (at two addresses) for one target, or of one target's port. */
export function shared(one: Published): Placed {
	return isPublication(one) ? flow(one) : opening(one);
}

function translation({ protocol, hostAddress, hostPort, target, targetPort }: Publication): Placed {
	const { family } = target;
	const data = concatenation(address(target), service(targetPort));
	if (hostAddress === undefined || hostAddress.value === 0n) {
		return { set: ANYWHERE[family], key: concatenation(inetProto(protocol), service(hostPort)), data };
	}
	const key = concatenation(inetProto(protocol), address(hostAddress), service(hostPort));
	return { set: AT[family], key, data };
}

export function asked(publication: Publication): Placed {
	const { set, key } = translation(publication);
	const { family } = publication.target;
	return { set: set === AT[family] ? ASKED_AT[family] : ASKED[family], key };
}

function flow({ protocol, hostPort, target, targetPort }: Publication): Placed {
	const key = concatenation(inetProto(protocol), service(hostPort), address(target), service(targetPort));
	return { set: FLOWS[target.family], key };
}

export function shortcut({ bridge, target }: Shortcut): Placed {
	return { set: SHORTCUTS[target.family], key: concatenation(ifname(bridge), address(target)) };
}

/** Undefined for an element of another set. */
export function decodeShortcut({ set, key }: Placed): Shortcut | undefined {
	if (!set.set.startsWith("shortcuts")) return undefined;
	return {
		bridge: decodeBridge(key),
		target: Ip.fromBytes(key.subarray(IFNAME_BYTES, IFNAME_BYTES + (set.set.endsWith("4") ? 4 : 16))),
	};
}

function opening({ protocol, target, targetPort }: Opening): Placed {
	const key = concatenation(inetProto(protocol), address(target), service(targetPort));
	return { set: OPEN[target.family], key };
}

export function decodeBridge(key: Uint8Array): IfName {
	return decodeName(key.subarray(0, IFNAME_BYTES));
}

/** A bridge, and an interface that it trusts; undefined for an element of another set. */
export function decodeTrusted({ set, key }: Placed): { bridge: IfName; trusted: IfName } | undefined {
	if (set.set !== NETWORK_SETS.trusted.set) return undefined;
	return { bridge: decodeBridge(key), trusted: decodeName(key.subarray(IFNAME_BYTES)) };
}

function decodeName(bytes: Uint8Array): IfName {
	const end = bytes.indexOf(0);
	return parseIfName(Buffer.from(bytes.subarray(0, end < 0 ? IFNAME_BYTES : end)).toString("utf8"));
}

/** The source that a bridge's packets get; undefined for an element of another set. */
export function decodeSource({ set, key, data }: Placed): { bridge: IfName; source: Ip } | undefined {
	if (!set.set.startsWith("sources") || data === undefined) return undefined;
	return { bridge: decodeBridge(key), source: Ip.fromBytes(data) };
}

/** Undefined for an element of another set. */
export function decodeTranslation({ set, key, data }: Placed): Publication | undefined {
	const family = familyOf(set);
	if (family === undefined || data === undefined) return undefined;
	const width = family === 4 ? 4 : 16;
	const at = set.set.startsWith("published_at");
	const bytes = Buffer.from(key);
	return {
		protocol: decodeProtocol(bytes[0]),
		hostAddress: at ? Ip.fromBytes(bytes.subarray(4, 4 + width)) : undefined,
		hostPort: bytes.readUInt16BE(at ? 4 + width : 4),
		target: Ip.fromBytes(data.subarray(0, width)),
		targetPort: Buffer.from(data).readUInt16BE(width),
	};
}

/** Undefined for an element of another set. */
export function decodeOpening({ set, key }: Placed): Opening | undefined {
	const family = FAMILIES.find((one) => OPEN[one].set === set.set);
	if (family === undefined) return undefined;
	const bytes = Buffer.from(key);
	const end = 4 + (family === 4 ? 4 : 16);
	return {
		protocol: decodeProtocol(bytes[0]),
		target: Ip.fromBytes(bytes.subarray(4, end)),
		targetPort: bytes.readUInt16BE(end),
	};
}

/** The port of the host that an element is about, for any set of ports. */
export function hostPortOf(placed: Placed): { protocol: Protocol; hostPort: number } | undefined {
	if (placed.set.set.startsWith("flows")) {
		const bytes = Buffer.from(placed.key);
		return { protocol: decodeProtocol(bytes[0]), hostPort: bytes.readUInt16BE(4) };
	}
	if (placed.set.set.startsWith("asked")) {
		const bytes = Buffer.from(placed.key);
		return { protocol: decodeProtocol(bytes[0]), hostPort: bytes.readUInt16BE(bytes.length - 4) };
	}
	return decodeTranslation(placed);
}

function familyOf({ set }: SetRef): Family | undefined {
	if (!set.startsWith("published")) return undefined;
	return set.endsWith("4") ? 4 : 6;
}

function decodeProtocol(byte: number | undefined): Protocol {
	if (byte === PROTOCOLS.sctp) return "sctp";
	return byte === PROTOCOLS.udp ? "udp" : "tcp";
}
