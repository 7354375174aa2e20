/**
 * Which MAC an address makes on its network. Where every address has always had that one, what neighbours know of it is true,
 * whoever had it before (ADR 10). Pure.
 */
import type { IpInterface } from "#lib/address/cidr.ts";
import { type Mac, macFromIp } from "#lib/address/mac.ts";
import type { Endpoint } from "./endpoint.ts";
import { type Network, subnetOf } from "./network.ts";

/** All its addresses make the MAC that it has. */
export function hasOwnMac(
	network: Pick<Network, "subnets">,
	{ mac, addresses }: Pick<Endpoint, "mac" | "addresses">,
): boolean {
	return addresses.every((address) => mac !== undefined && ownMac(network, address) === mac);
}

/**
 * An IPv4 address makes its own. An endpoint has one MAC, which is its IPv4 address's: so an IPv6 address beside makes that of the
 * IPv4 address at the same place of its subnet, which ipamd gives together as a rule; without IPv4 its own.
 */
function ownMac(network: Pick<Network, "subnets">, address: IpInterface): Mac | undefined {
	const { ip } = address;
	const beside = subnetOf(network, 4);
	if (ip.family === 4 || beside === undefined) return macFromIp(ip);
	const place = ip.value - address.network().base.value;
	return place < beside.cidr.size ? macFromIp(beside.cidr.base.plus(place)) : undefined;
}
