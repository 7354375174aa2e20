/** Which addresses an endpoint may ask for. Pure. */
import type { Ip } from "#lib/address/ip.ts";
import { faults } from "./faults.ts";
import { type Network, subnetOf } from "./network.ts";

/** Refuses those that the network has no subnet for, or one that nobody asked for: a later one may have any other range. */
export function refuseAddresses(asked: readonly Ip[], network: Network): void {
	for (const ip of asked) {
		const subnet = subnetOf(network, ip.family);
		const metadata = { network: network.name, address: ip.toString(), family: String(ip.family) };
		if (subnet === undefined) throw faults.NO_SUBNET_OF_FAMILY(metadata, { field: "addresses" });
		if (subnet.automatic) throw faults.SUBNET_IS_AUTOMATIC(metadata, { field: "addresses" });
	}
}
