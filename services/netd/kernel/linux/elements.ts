/** Networks and publications as elements of the skeleton's sets, and back. Pure. */
import { type IfName, parseIfName } from "#lib/address/if-name.ts";
import { type Family, Ip } from "#lib/address/ip.ts";
import type { SetRef } from "#lib/linux/nft/element.ts";
import { address, concatenation, ifname, inetProto, PROTOCOLS, service } from "#lib/linux/nft/field.ts";
import type { Protocol } from "../../port.ts";
import type { NetworkRules, Publication, Shortcut } from "../firewall.ts";
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
	masqueraded: { ...TABLE, set: "masqueraded" },
	connected: { ...TABLE, set: "connected" },
	separated: { ...TABLE, set: "separated" },
} as const satisfies Record<string, SetRef>;

/** What leaves a bridge gets this source. */
const SOURCES = { 4: { ...TABLE, set: "sources4" }, 6: { ...TABLE, set: "sources6" } } as const;
const IFNAME_BYTES = 16;
const AT = { 4: { ...TABLE, set: "published_at4" }, 6: { ...TABLE, set: "published_at6" } } as const;
const ANYWHERE = { 4: { ...TABLE, set: "published4" }, 6: { ...TABLE, set: "published6" } } as const;
const SHORTCUTS = { 4: { ...TABLE, set: "shortcuts4" }, 6: { ...TABLE, set: "shortcuts6" } } as const;
const FLOWS = { 4: { ...TABLE, set: "flows4" }, 6: { ...TABLE, set: "flows6" } } as const;

/** Every set whose elements are ours to add and remove. */
export const SETS: readonly SetRef[] = [
	...Object.values(NETWORK_SETS),
	...Object.values(SOURCES),
	...Object.values(SHORTCUTS),
	...([4, 6] as const).flatMap((family) => [AT[family], ANYWHERE[family], FLOWS[family]]),
];

/** The same for the same element, whatever its datum. */
export function placeOf({ set, key }: Pick<Placed, "set" | "key">): string {
	return `${set.set} ${Buffer.from(key).toString("hex")}`;
}

export function networkElements({ bridge, internal, masquerade, neighbours, sources }: NetworkRules): Placed[] {
	const single = concatenation(ifname(bridge));
	const pair = concatenation(ifname(bridge), ifname(bridge));
	return [
		{ set: NETWORK_SETS.bridges, key: single },
		...(internal ? [{ set: NETWORK_SETS.internal, key: single }] : []),
		...(masquerade ? [{ set: NETWORK_SETS.masqueraded, key: single }] : []),
		...sources.map((ip) => ({ set: SOURCES[ip.family], key: single, data: address(ip) })),
		{ set: neighbours ? NETWORK_SETS.connected : NETWORK_SETS.separated, key: pair },
	];
}

/** Every place where a bridge may be. */
export function networkPlaces(bridge: IfName): Placed[] {
	const every = { internal: true, masquerade: true, sources: [Ip.of(4, 0n), Ip.of(6, 0n)] };
	return [
		...networkElements({ bridge, ...every, neighbours: true }),
		...networkElements({ bridge, ...every, neighbours: false }).slice(-1),
	];
}

export function translation({ protocol, hostAddress, hostPort, target, targetPort }: Publication): Placed {
	const { family } = target;
	const data = concatenation(address(target), service(targetPort));
	if (hostAddress === undefined || hostAddress.value === 0n) {
		return { set: ANYWHERE[family], key: concatenation(inetProto(protocol), service(hostPort)), data };
	}
	const key = concatenation(inetProto(protocol), address(hostAddress), service(hostPort));
	return { set: AT[family], key, data };
}

/** Two publications of one host port (at two addresses) for one target share it. */
export function flow({ protocol, hostPort, target, targetPort }: Publication): Placed {
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

export function decodeBridge(key: Uint8Array): IfName {
	const end = key.indexOf(0);
	return parseIfName(Buffer.from(key.subarray(0, end < 0 ? 16 : Math.min(end, 16))).toString("utf8"));
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

/** The port of the host that an element is about, for any set of ports. */
export function hostPortOf(placed: Placed): { protocol: Protocol; hostPort: number } | undefined {
	if (placed.set.set.startsWith("flows")) {
		const bytes = Buffer.from(placed.key);
		return { protocol: decodeProtocol(bytes[0]), hostPort: bytes.readUInt16BE(4) };
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
