/** What an endpoint's ports are in the packet rules, and which ports it can have. Pure. */
import type { Family } from "#lib/address/ip.ts";
import type { Endpoint } from "./endpoint.ts";
import type { LinkedDriver } from "./drivers/driver.ts";
import { faults } from "./faults.ts";
import type { Publication } from "./kernel/firewall.ts";
import type { Network } from "./network.ts";
import type { Port } from "./port.ts";

/** One for each port and each family that it is published in. */
export function publicationsOf({ addresses, ports }: Pick<Endpoint, "addresses" | "ports">): Publication[] {
	return ports.flatMap(({ protocol, hostAddress, hostPort, containerPort }) =>
		addresses
			.filter(({ ip }) => hostAddress === undefined || hostAddress.family === ip.family)
			.map(({ ip }) => ({ protocol, hostAddress, hostPort, target: ip, targetPort: containerPort })),
	);
}

export function familiesOf(network: Network): Family[] {
	return network.subnets.map(({ cidr }) => cidr.family);
}

/** Refuses what the network cannot publish. `name` is the container's, for the sentence. */
export function refuseUnpublishable(
	ports: readonly Port[],
	network: Network,
	driver: Pick<LinkedDriver, "publishes">,
	name: string,
): void {
	if (ports.length > 0 && !driver.publishes)
		throw faults.DRIVER_PUBLISHES_NOTHING({ network: network.name, driver: network.driver }, { field: "ports" });
	if (ports.length > 0 && network.internal)
		throw faults.NETWORK_IS_INTERNAL({ network: network.name }, { field: "ports" });
	const families = familiesOf(network);
	for (const { hostAddress } of ports) {
		if (hostAddress === undefined || families.includes(hostAddress.family)) continue;
		throw faults.NOTHING_TO_PUBLISH_AT({ address: hostAddress.toString(), endpoint: name }, { field: "ports" });
	}
}
