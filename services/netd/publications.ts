/** What an endpoint's ports are in the packet rules, and which ports it can have. Pure. */
import type { Family } from "#lib/address/ip.ts";
import type { Endpoint } from "./endpoint.ts";
import type { LinkedDriver } from "./drivers/driver.ts";
import type { Drivers } from "./drivers/drivers.ts";
import { faults } from "./faults.ts";
import type { Publication, Shortcut } from "./kernel/firewall.ts";
import type { Network } from "./network.ts";
import type { Port } from "./port.ts";
import type { Attachment } from "./sandbox-view.ts";

/** One for each port and each family that it is published in. */
export function publicationsOf({ addresses, ports }: Pick<Endpoint, "addresses" | "ports">): Publication[] {
	return ports.flatMap(({ protocol, hostAddress, hostPort, containerPort }) =>
		addresses
			.filter(({ ip }) => hostAddress === undefined || hostAddress.family === ip.family)
			.map(({ ip }) => ({ protocol, hostAddress, hostPort, target: ip, targetPort: containerPort })),
	);
}

/** Two for each two of a sandbox's bridges, in each family: clients on the one, addresses on the other. */
export function shortcutsOf(drivers: Drivers, attachments: readonly Attachment[]): Shortcut[] {
	if (attachments.length < 2) return [];
	const bridged = attachments.flatMap(({ endpoint, network }) => {
		const rules = drivers.linked(network)?.rulesOf(network);
		return rules === undefined || rules.internal ? [] : [{ bridge: rules.bridge, addresses: endpoint.addresses }];
	});
	return bridged.flatMap(({ bridge }) =>
		bridged
			.filter((other) => other.bridge !== bridge)
			.flatMap(({ addresses }) => addresses.map(({ ip: target }) => ({ bridge, target }))),
	);
}

/** Those that `one` has and `other` has not. */
export function shortcutsWithout(one: readonly Shortcut[], other: readonly Shortcut[]): Shortcut[] {
	return one.filter(
		({ bridge, target }) => !other.some((kept) => kept.bridge === bridge && kept.target.equals(target)),
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
