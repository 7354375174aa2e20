/** Interfaces and default routes inside a sandbox. */
import { Cidr } from "#lib/address/cidr.ts";
import type { IfName } from "#lib/address/if-name.ts";
import { type Family, Ip } from "#lib/address/ip.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";
import type { DefaultRoutes } from "../links.ts";

const DEFAULT = { 4: Cidr.of(Ip.of(4, 0n), 0), 6: Cidr.of(Ip.of(6, 0n), 0) } as const;
/** The main table's number. */
const MAIN = 254;
/** As the kernel numbers them: a route of its own making is not ours to remove. */
const PROTOCOL_BOOT = 3;

export function interfaceNames(netns: string): IfName[] {
	using rtnl = Rtnetlink.open(netns);
	return rtnl.links.list().map(({ name }) => name);
}

export function ensureDefaultRoutes(netns: string, routes: DefaultRoutes): void {
	using rtnl = Rtnetlink.open(netns);
	for (const family of [4, 6] as const) ensureDefaultRoute(rtnl, family, routes[family]);
}

function ensureDefaultRoute(rtnl: Rtnetlink, family: Family, gateway: Ip | undefined): void {
	if (gateway !== undefined) return rtnl.routes.replace({ destination: DEFAULT[family], gateway });
	const present = rtnl.routes
		.list({ family, table: MAIN })
		.filter(({ destination, protocol }) => destination.prefix === 0 && protocol === PROTOCOL_BOOT);
	for (const { nexthops, metric } of present) {
		try {
			rtnl.routes.remove({ destination: DEFAULT[family], gateway: nexthops[0]?.gateway, metric });
		} catch (error) {
			if (!isErrno(error, "ESRCH")) throw error;
		}
	}
}
