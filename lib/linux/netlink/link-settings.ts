/**
 * A link's own settings of the network layer, as rtnetlink has them beside the link (IFLA_AF_SPEC): the kernel tells all of IPv6's
 * and takes all of IPv4's, so that /proc/sys is needed only to write IPv6's.
 */
import { AF_INET, AF_INET6 } from "../family.ts";
import * as attribute from "./attribute.ts";

const IFLA_AF_SPEC = 26;
const IFLA_INET_CONF = 1;
const IFLA_INET6_CONF = 2;
/** linux/ip.h; numbered from 1. */
const IPV4_DEVCONF_ARP_NOTIFY = 22;
/** linux/ipv6.h, by their names below /proc/sys/net/ipv6/conf. */
const IPV6_DEVCONF = { accept_ra: 3, autoconf: 5, disable_ipv6: 26, accept_dad: 27, ndisc_notify: 29 } as const;

export type Ipv6Setting = keyof typeof IPV6_DEVCONF;
export type Ipv6Settings = Readonly<Record<Ipv6Setting, number>>;

/** From a link's attributes; undefined where the kernel has no IPv6. */
export function ipv6SettingsIn(attributes: attribute.AttributeSet): Ipv6Settings | undefined {
	const conf = attributes.nested(IFLA_AF_SPEC)?.nested(AF_INET6)?.bytes(IFLA_INET6_CONF);
	if (conf === undefined) return undefined;
	const value = (name: Ipv6Setting): number => conf.readInt32LE(4 * IPV6_DEVCONF[name]);
	return {
		accept_ra: value("accept_ra"),
		autoconf: value("autoconf"),
		disable_ipv6: value("disable_ipv6"),
		accept_dad: value("accept_dad"),
		ndisc_notify: value("ndisc_notify"),
	};
}

/** Neighbours are told of an address when the link's MAC is set. */
export function arpNotify(value: boolean): attribute.Attribute {
	const conf = attribute.nested(IFLA_INET_CONF, [attribute.u32(IPV4_DEVCONF_ARP_NOTIFY, value ? 1 : 0)]);
	return attribute.nested(IFLA_AF_SPEC, [attribute.nested(AF_INET, [conf])]);
}
