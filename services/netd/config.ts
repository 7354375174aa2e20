/** netd's own settings. */
import { parseIfName } from "#lib/address/if-name.ts";
import { Cidr, IpInterface } from "#lib/address/cidr.ts";
import { bitsOf, type Family, Ip } from "#lib/address/ip.ts";
import { boolean, integer, list, oneOf, parsedBy, type Parser, path } from "#lib/config/parsers.ts";
import type { Schema } from "#lib/config/settings.ts";
import { HIGHEST_MTU, LOWEST_MTU } from "./drivers/bridge-options.ts";

const FAMILY_EXAMPLES = { 4: ["172.17.0.1/16", "172.17.5.0/24"], 6: ["fd00:17::1/64", "fd00:17::/80"] } as const;

/** Not the first or last address of its subnet: a host has to have it. */
function interfaceAddress(family: Family): Parser<IpInterface> {
	return only(`an address and the length of its subnet's prefix, as ${FAMILY_EXAMPLES[family][0]}`, (text) => {
		const address = IpInterface.parse(text);
		const { first, last } = address.network();
		const isHost = bitsOf(family) - address.prefix >= 2 && !address.ip.equals(first) && !address.ip.equals(last);
		return address.ip.family === family && isHost ? address : undefined;
	});
}

function range(family: Family): Parser<Cidr> {
	return only(`a range of IPv${family} addresses, as ${FAMILY_EXAMPLES[family][1]}`, (text) => {
		const cidr = Cidr.parse(text);
		return cidr.family === family ? cidr : undefined;
	});
}

function address(family: Family): Parser<Ip> {
	return only(`an IPv${family} address`, (text) => {
		const ip = Ip.parse(text);
		return ip.family === family ? ip : undefined;
	});
}

/** As `parsedBy`, where some of what can be parsed is refused. */
function only<T>(allowed: string, parse: (text: string) => T | undefined): Parser<T> {
	return parsedBy<T | undefined>(allowed, parse) as Parser<T>; // undefined is a refusal to both
}

export const schema = {
	defaultBridge: {
		key: "netd.defaultBridge",
		parse: parsedBy("the name of an interface, 1 to 15 bytes", parseIfName),
		default: parseIfName("wharf0"),
		doc: "The bridge of the network `bridge`.",
	},
	bip: {
		key: "netd.bip",
		parse: interfaceAddress(4),
		default: undefined,
		doc: "The address of the network `bridge`, and by that its subnet; automatic unless it is said.",
	},
	bip6: {
		key: "netd.bip6",
		parse: interfaceAddress(6),
		default: undefined,
		doc: "Its IPv6 address and subnet.",
	},
	fixedCidr: {
		key: "netd.fixedCidr",
		parse: range(4),
		default: undefined,
		doc: "The part of its subnet that automatic addresses come from; without netd.bip, the subnet.",
	},
	fixedCidrV6: {
		key: "netd.fixedCidrV6",
		parse: range(6),
		default: undefined,
		doc: "The same of its IPv6 subnet.",
	},
	defaultGateway: {
		key: "netd.defaultGateway",
		parse: address(4),
		default: undefined,
		doc: "The router of its containers, an address of its subnet, where it is not the bridge.",
	},
	defaultGatewayV6: {
		key: "netd.defaultGatewayV6",
		parse: address(6),
		default: undefined,
		doc: "Their IPv6 router.",
	},
	ipv6: {
		key: "netd.ipv6",
		parse: boolean,
		default: undefined,
		doc: "It has an IPv6 subnet; so it does where one of the settings above says one.",
	},
	mtu: {
		key: "netd.mtu",
		parse: integer({ min: LOWEST_MTU, max: HIGHEST_MTU }),
		default: undefined,
		doc: "Its MTU in bytes; 1500 unless it is said.",
	},
	icc: {
		key: "netd.icc",
		parse: boolean,
		default: undefined,
		doc: "Its containers reach each other; true unless it is said.",
	},
	ipMasq: {
		key: "netd.ipMasq",
		parse: boolean,
		default: undefined,
		doc: "What leaves the host from it has the host's address; true unless it is said.",
	},
	ip: {
		key: "netd.ip",
		parse: address(4),
		default: undefined,
		doc: "Where ports are published for which neither their publisher nor their network says an address; every address unless it is said.",
	},
	dns: {
		key: "netd.dns",
		parse: list(parsedBy("an address", (text) => Ip.parse(text))),
		default: [],
		doc: "Where containers ask names that are not wharf's, unless they or their networks say where; the host's resolvers unless it is said.",
	},
	ipamdSocket: {
		key: "netd.ipamdSocket",
		parse: path,
		default: undefined,
		doc: "Where ipamd listens; the instance's own unless it is said.",
	},
	foreignFirewall: {
		key: "netd.foreignFirewall",
		parse: oneOf(["leave", "adapt"]),
		default: "leave",
		doc: "Whether one rule may be kept in the packet rules of Docker, ufw or firewalld where they drop what containers send: `adapt`.",
	},
	publishPolicy: {
		key: "netd.publishPolicy",
		parse: oneOf(["open", "respect-host"]),
		default: "open",
		doc: "Who decides from where a published port is reached: `open`, everywhere; `respect-host`, the host's own firewall, as of any port of the host.",
	},
} as const satisfies Schema;
