/** The options of the bridge driver, under Docker's names: text in, typed values out. */
import { Cidr } from "#lib/address/cidr.ts";
import { type IfName, parseIfName } from "#lib/address/if-name.ts";
import { type Family, Ip } from "#lib/address/ip.ts";
import { suggestion } from "#lib/text/nearest.ts";
import { faults } from "../faults.ts";
import { isMadeOfId, isReservedName } from "../id.ts";
import type { NetworkAsked, TextMap } from "../network.ts";
import { parsed } from "../option.ts";

/**
 * How a family leaves the host and is reached (Docker's "gateway modes"). `nat`: with the host's address, and at its published
 * ports. `nat-unprotected`: so as well, and at the containers' own addresses, at every port, but not from other networks.
 * `routed`: with the containers' own addresses, and at these, at published ports. `isolated`: not at all; the host neither.
 */
export type GatewayMode = (typeof GATEWAY_MODES)[number];
const GATEWAY_MODES = ["nat", "nat-unprotected", "routed", "isolated"] as const;

export interface BridgeOptions {
	/** Undefined: a name made from the network's id. */
	readonly bridgeName: IfName | undefined;
	readonly mtu: number;
	readonly masquerade: boolean;
	/** Containers reach each other. */
	readonly icc: boolean;
	readonly hostBinding: Ip | undefined;
	/** Of the names of the containers' interfaces on it. */
	readonly interfacePrefix: string;
	/** What leaves the host from it has these for sources, at most one of each family, in place of those of the interface it leaves by. */
	readonly sources: readonly Ip[];
	/** The bridge's IPv4 addresses are somebody else's business. */
	readonly inhibitIpv4: boolean;
	readonly gatewayModes: Readonly<Record<Family, GatewayMode>>;
	/** The host's interfaces from which published ports are reached at the containers' own addresses; sorted, each once. */
	readonly trusted: readonly IfName[];
	/** The interface of the host's whose segment its containers are on. */
	readonly uplink: { readonly name: IfName; readonly moves: boolean } | undefined;
}

const PREFIX = "com.docker.network.";
const NAME = `${PREFIX}bridge.name`;
export const MTU = `${PREFIX}driver.mtu`;
export const MASQUERADE = `${PREFIX}bridge.enable_ip_masquerade`;
export const ICC = `${PREFIX}bridge.enable_icc`;
const HOST_BINDING = `${PREFIX}bridge.host_binding_ipv4`;
const INHIBIT = `${PREFIX}bridge.inhibit_ipv4`;
const GATEWAY_MODE = { 4: `${PREFIX}bridge.gateway_mode_ipv4`, 6: `${PREFIX}bridge.gateway_mode_ipv6` } as const;
const TRUSTED = `${PREFIX}bridge.trusted_host_interfaces`;
const HOST_IPV4 = `${PREFIX}host_ipv4`;
const HOST_IPV6 = `${PREFIX}host_ipv6`;
export const UPLINK = "wharf.bridge.uplink";
const UPLINK_MOVE = "wharf.bridge.uplink_move";
/** Docker's code has the first, its manual the second. */
const INTERFACE_PREFIX = `${PREFIX}container_iface_prefix`;
const INTERFACE_PREFIX_LONG = `${PREFIX}container_interface_prefix`;
const KNOWN = [
	NAME,
	MTU,
	MASQUERADE,
	ICC,
	HOST_BINDING,
	INHIBIT,
	GATEWAY_MODE[4],
	GATEWAY_MODE[6],
	TRUSTED,
	UPLINK,
	UPLINK_MOVE,
	HOST_IPV4,
	HOST_IPV6,
	INTERFACE_PREFIX,
	INTERFACE_PREFIX_LONG,
];

const DEFAULT_MTU = 1500;
/** RFC 791; RFC 8200 wants 1280 where there is IPv6, which the kernel sees to. */
export const LOWEST_MTU = 68;
export const HIGHEST_MTU = 65_535;
export const DEFAULT_INTERFACE_PREFIX = "eth";
/** Unspecified, loopback, link-local of IPv6, multicast and above. */
const NO_SOURCES = ["0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3", "::/127", "fe80::/10", "ff00::/8"].map((text) =>
	Cidr.parse(text),
);
/** An interface's name has 15 bytes, and the number needs some. */
const LONGEST_PREFIX = 12;

export function parseBridgeOptions(options: TextMap): BridgeOptions {
	refuseUnknown("bridge", options, KNOWN);
	const uplink = parseUplink(options);
	return {
		bridgeName: parsed(
			options,
			NAME,
			"1 to 15 bytes that can name an interface, not wh-…, ws-… or wv-…",
			parseBridgeName,
		),
		mtu: parsed(options, MTU, `${LOWEST_MTU} to ${HIGHEST_MTU}`, parseMtu) ?? DEFAULT_MTU,
		masquerade: parsed(options, MASQUERADE, "true or false", parseBoolean) ?? uplink === undefined,
		icc: parsed(options, ICC, "true or false", parseBoolean) ?? true,
		hostBinding: parsed(options, HOST_BINDING, "an IPv4 address of the host", parseIpv4),
		interfacePrefix: interfacePrefix(options),
		sources: [
			parsed(options, HOST_IPV4, "the IPv4 address of one host", (text) => parseSource(text, 4)),
			parsed(options, HOST_IPV6, "the IPv6 address of one host", (text) => parseSource(text, 6)),
		].filter((source) => source !== undefined),
		inhibitIpv4: parsed(options, INHIBIT, "true or false", parseBoolean) ?? false,
		gatewayModes: { 4: gatewayMode(options, 4), 6: gatewayMode(options, 6) },
		trusted: parsed(options, TRUSTED, "names of interfaces with colons between, as eth1:vxlan.1", parseNames) ?? [],
		uplink,
	};
}

function parseUplink(options: TextMap): BridgeOptions["uplink"] {
	const name = parsed(options, UPLINK, "an interface of the host as eth1", parseBridgeName);
	const moves = parsed(options, UPLINK_MOVE, `true or false, beside ${UPLINK}`, (text) =>
		name === undefined ? undefined : parseBoolean(text),
	);
	return name && { name, moves: moves ?? false };
}

/** Refuses what contradicts itself, or what else the network shall be. */
export function checkBridgeOptions(options: TextMap, asked: NetworkAsked): void {
	const parsedOptions = parseBridgeOptions(options);
	if (parsedOptions.uplink !== undefined) refuseBesideUplink(options);
	for (const family of [4, 6] as const) checkGatewayMode(parsedOptions, family, asked);
}

/** The segment's own router leads to elsewhere, and its stations meet without the host: what would be said of these is void. */
function refuseBesideUplink(options: TextMap): void {
	const isOff = (text: string): boolean | undefined => (parseBoolean(text) === false ? undefined : true);
	parsed(options, ICC, `true beside ${UPLINK}: the segment joins what is kept apart`, isOff);
	const nothing = `nothing beside ${UPLINK}: the host neither translates there nor publishes`;
	for (const option of [HOST_BINDING, INHIBIT, GATEWAY_MODE[4], GATEWAY_MODE[6], TRUSTED])
		parsed(options, option, nothing, () => undefined);
}

function checkGatewayMode(
	{ gatewayModes, sources, hostBinding }: BridgeOptions,
	family: Family,
	{ internal, subnets }: NetworkAsked,
): void {
	const mode = gatewayModes[family];
	if (mode === "nat" || mode === "nat-unprotected") return;
	const refuse = (allowed: string): never => {
		const option = GATEWAY_MODE[family];
		throw faults.INVALID_OPTION({ option, value: mode, allowed }, { field: `options[${option}]` });
	};
	if (sources.some((source) => source.family === family))
		refuse(`nat, as ${family === 4 ? HOST_IPV4 : HOST_IPV6} says what is translated to`);
	if (hostBinding?.family === family) refuse(`nat, as ${HOST_BINDING} says where the host's ports are`);
	if (mode === "routed") return;
	if (!internal)
		refuse("isolated for an internal network alone (--internal); nat, nat-unprotected or routed for others");
	if (subnets.some((subnet) => subnet.family === family && subnet.gateway !== undefined))
		refuse("isolated without a gateway, which it does not have");
}

function gatewayMode(options: TextMap, family: Family): GatewayMode {
	const allowed = GATEWAY_MODES.join(", ");
	const parse = (text: string) => GATEWAY_MODES.find((mode) => mode === text);
	return parsed(options, GATEWAY_MODE[family], allowed, parse) ?? "nat";
}

/** They need not be there yet. */
function parseNames(text: string): IfName[] {
	return [...new Set(text.split(":").map(parseIfName))].sort();
}

/** By either name; both may be there if they say the same. */
function interfacePrefix(options: TextMap): string {
	const allowed = `1 to ${LONGEST_PREFIX} bytes that can begin an interface's name, the same under both names`;
	const first = parsed(options, INTERFACE_PREFIX, allowed, parsePrefix);
	const second = parsed(options, INTERFACE_PREFIX_LONG, allowed, (text) =>
		first === undefined || text === first ? parsePrefix(text) : undefined,
	);
	return first ?? second ?? DEFAULT_INTERFACE_PREFIX;
}

export function refuseUnknown(driver: string, options: TextMap, all: readonly string[]): void {
	const unknown = Object.keys(options).find((option) => !all.includes(option));
	if (unknown === undefined) return;
	const metadata = { option: unknown, driver, nearest: meant(unknown, all) ?? "", known: all.join(", ") };
	throw faults.UNKNOWN_OPTION(metadata, { field: `options[${unknown}]` });
}

/** By what tells the options apart: the long beginning that they share is no likeness. `mtu` alone is Podman's way to say it. */
function meant(unknown: string, all: readonly string[]): string | undefined {
	const known = new Map(all.map((option) => [withoutPrefix(option), option]));
	const lastWords = new Map(all.map((option) => [lastWord(option), option]));
	const own = suggestion(withoutPrefix(unknown), known.keys());
	return known.get(own ?? "") ?? lastWords.get(suggestion(lastWord(unknown), lastWords.keys()) ?? "");
}

function withoutPrefix(option: string): string {
	return option.startsWith(PREFIX) ? option.slice(PREFIX.length) : option;
}

function lastWord(option: string): string {
	return option.slice(option.lastIndexOf(".") + 1);
}

/** Names that are made from ids would be taken for another network's, or for an endpoint's. */
function parseBridgeName(text: string): IfName | undefined {
	const name = parseIfName(text);
	return isMadeOfId(name) || isReservedName(name) ? undefined : name;
}

export function parseMtu(text: string): number | undefined {
	const mtu = /^[1-9][0-9]{1,4}$/.test(text) ? Number(text) : 0;
	return mtu >= LOWEST_MTU && mtu <= HIGHEST_MTU ? mtu : undefined;
}

function parseBoolean(text: string): boolean | undefined {
	if (text === "true" || text === "1") return true;
	return text === "false" || text === "0" ? false : undefined;
}

function parsePrefix(text: string): string | undefined {
	return Buffer.byteLength(text) <= LONGEST_PREFIX ? parseIfName(text) : undefined;
}

/** Whether the host has it now is not asked: it may come and go, as with VRRP. */
function parseSource(text: string, family: Family): Ip | undefined {
	const ip = Ip.parse(text);
	return ip.family === family && !NO_SOURCES.some((cidr) => cidr.contains(ip)) ? ip : undefined;
}

/** 0.0.0.0 is what holds anyway. */
function parseIpv4(text: string): Ip | undefined {
	const ip = Ip.parse(text);
	return ip.family === 4 ? ip : undefined;
}
