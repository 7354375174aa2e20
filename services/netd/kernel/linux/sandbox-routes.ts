/** Interfaces and routes inside a sandbox, through a socket of its namespace. */
import { Cidr, IpInterface } from "#lib/address/cidr.ts";
import type { IfName } from "#lib/address/if-name.ts";
import { type Family, Ip } from "#lib/address/ip.ts";
import { isErrno } from "#lib/linux/libc.ts";
import type { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";
import { type Route, RTPROT_BOOT, TABLE_MAIN } from "#lib/linux/netlink/routes.ts";
import type { Rule } from "#lib/linux/netlink/rules.ts";
import type { DefaultRoutes, ObservedInside, SourceRoute } from "../links.ts";

const DEFAULT = { 4: Cidr.of(Ip.of(4, 0n), 0), 6: Cidr.of(Ip.of(6, 0n), 0) } as const;
/** Ours, for rules: nobody else's in `/etc/iproute2/rt_protos`. */
const PROTOCOL_WHARF = 119;
/** Just before the main table is asked for everything (32766). */
const PRIORITY = 32_000;
/** A link's own table: this and its index. */
const FIRST_TABLE = 0x77_00_00_00;

export function interfaceNames(rtnl: Rtnetlink): IfName[] {
	return rtnl.links.list().map(({ name }) => name);
}

export function observeInside(rtnl: Rtnetlink): ObservedInside {
	const addresses = rtnl.addresses.list();
	const routes = rtnl.routes.list({ table: TABLE_MAIN }).filter(({ destination }) => destination.prefix === 0);
	return {
		interfaces: new Map(
			rtnl.links.list().map(({ index, name, up }) => {
				const own = addresses.filter(({ link }) => link === index);
				return [name, { up, addresses: own.map(({ ip, prefix }) => IpInterface.of(ip, prefix)) }];
			}),
		),
		defaultRoutes: new Set(routes.map(({ destination }) => destination.family)),
	};
}

export function ensureDefaultRoutes(rtnl: Rtnetlink, routes: DefaultRoutes): void {
	for (const family of [4, 6] as const) ensureDefaultRoute(rtnl, family, routes[family]);
}

function ensureDefaultRoute(rtnl: Rtnetlink, family: Family, gateway: Ip | undefined): void {
	if (gateway !== undefined) return rtnl.routes.replace({ destination: DEFAULT[family], gateway });
	// One of the kernel's own making is not ours to remove.
	const present = rtnl.routes
		.list({ family, table: TABLE_MAIN })
		.filter(({ destination, protocol }) => destination.prefix === 0 && protocol === RTPROT_BOOT);
	for (const { nexthops, metric } of present) {
		try {
			rtnl.routes.remove({ destination: DEFAULT[family], gateway: nexthops[0]?.gateway, metric });
		} catch (error) {
			if (!isErrno(error, "ESRCH")) throw error;
		}
	}
}

/** Two rules an address: the main table's routes to somewhere hold for it as well, and only then the link's own default route. */
export function ensureSourceRoutes(rtnl: Rtnetlink, routes: readonly SourceRoute[]): void {
	const present = new Map(rtnl.rules.list({ protocol: PROTOCOL_WHARF }).map((rule) => [textOf(rule), rule]));
	const wanted = new Map<string, Rule>();
	for (const { source, gateway, interface: name } of routes) {
		const link = rtnl.links.find(name)?.index;
		if (link === undefined) continue;
		const table = FIRST_TABLE + link;
		if (!couldReplace(rtnl, { destination: DEFAULT[source.family], gateway, link, table })) continue;
		const rule = { source, table, priority: PRIORITY + 1, butDefault: false, protocol: PROTOCOL_WHARF };
		for (const one of [rule, { ...rule, table: TABLE_MAIN, priority: PRIORITY, butDefault: true }])
			wanted.set(textOf(one), one);
	}
	for (const [text, rule] of present) if (!wanted.has(text)) rtnl.rules.remove(rule);
	for (const [text, rule] of wanted) if (!present.has(text)) rtnl.rules.add(rule);
}

/** False where the link is down, without IPv6, or not on the gateway's network. */
function couldReplace(rtnl: Rtnetlink, route: Route): boolean {
	try {
		rtnl.routes.replace(route);
		return true;
	} catch (error) {
		if (isErrno(error, "ENETDOWN", "ENETUNREACH", "EHOSTUNREACH", "EACCES", "ENODEV")) return false;
		throw error;
	}
}

function textOf({ source, table, priority, butDefault }: Rule): string {
	return `${source} ${table} ${priority} ${butDefault}`;
}
