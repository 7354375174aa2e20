/** What an endpoint's ports are in the packet rules, and which ports it can have. Pure. */
import type { Family, Ip } from "#lib/address/ip.ts";
import type { Endpoint } from "./endpoint.ts";
import type { LinkedDriver, Reach } from "./drivers/driver.ts";
import type { Drivers } from "./drivers/drivers.ts";
import { faults } from "./faults.ts";
import type { Published, Shortcut } from "./kernel/firewall.ts";
import type { Network } from "./network.ts";
import { isOpened, type Port, portKey } from "./port.ts";
import type { Attachment } from "./sandbox-view.ts";

/** One or two for each port and each family that it is published in. */
export function publicationsOf(
	{ addresses, ports }: Pick<Endpoint, "addresses" | "ports">,
	reach: Readonly<Record<Family, Reach>>,
): Published[] {
	return ports.flatMap((port) =>
		addresses
			.filter(({ ip }) => port.hostAddress === undefined || port.hostAddress.family === ip.family)
			.flatMap(({ ip }) => publishedAt(port, ip, reach[ip.family])),
	);
}

function publishedAt({ protocol, hostAddress, hostPort, containerPort }: Port, target: Ip, reach: Reach): Published[] {
	const opening = { protocol, target, targetPort: containerPort };
	return [...(reach === "own" ? [] : [{ ...opening, hostAddress, hostPort }]), ...(reach === "host" ? [] : [opening])];
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

function familiesOf(network: Network): Family[] {
	return network.subnets.map(({ cidr }) => cidr.family);
}

/** Those in which ports of the host lead to its endpoints. */
export function hostFamilies(network: Network, driver: Pick<LinkedDriver, "reachOf">): Family[] {
	const reach = driver.reachOf(network);
	return familiesOf(network).filter((family) => reach[family] !== "own");
}

/**
 * Ports as they are kept: at the network's address where none was said, and each that is reached at its container's own address
 * alone without a port of the host, once. Fault PORT_IS_ROUTED for one of these at an address of the host's.
 */
export function boundPorts(ports: readonly Port[], network: Network, driver: LinkedDriver): Port[] {
	const families = hostFamilies(network, driver);
	const binding = driver.hostBinding(network);
	const isBound = binding !== undefined && families.includes(binding.family);
	const bound = ports.map((port): Port => {
		if (families.length > 0 && port.hostAddress === undefined)
			return isBound ? { ...port, hostAddress: binding } : port;
		if (port.hostAddress !== undefined && families.includes(port.hostAddress.family)) return port;
		const { hostAddress } = port;
		if (hostAddress !== undefined && hostAddress.value !== 0n) {
			const metadata = { address: hostAddress.toString(), network: network.name };
			throw faults.PORT_IS_ROUTED(metadata, { field: "ports" });
		}
		return { ...port, hostPort: 0, hostPortEnd: undefined };
	});
	const opened = new Map(bound.filter(isOpenedIn(families)).map((port) => [portKey(port), port]));
	return [...bound.filter((port) => !isOpenedIn(families)(port)), ...opened.values()];
}

/** One whose families have no ports of the host: a 0 in another asks for a free one. */
function isOpenedIn(families: readonly Family[]): (port: Port) => boolean {
	return (port) =>
		isOpened(port) && !families.some((family) => port.hostAddress === undefined || port.hostAddress.family === family);
}

/** Something can be published on it. */
export function canPublish(network: Network, driver: Pick<LinkedDriver, "publishes">): boolean {
	return driver.publishes(network) && !network.internal;
}

/** Refuses what the network cannot publish. `name` is the container's, for the sentence. */
export function refuseUnpublishable(
	ports: readonly Port[],
	network: Network,
	driver: Pick<LinkedDriver, "publishes">,
	name: string,
): void {
	if (ports.length > 0 && !driver.publishes(network)) {
		const kind = network.driver === "bridge" ? "bridged" : network.driver;
		throw faults.DRIVER_PUBLISHES_NOTHING({ network: network.name, driver: kind }, { field: "ports" });
	}
	if (ports.length > 0 && network.internal)
		throw faults.NETWORK_IS_INTERNAL({ network: network.name }, { field: "ports" });
	const families = familiesOf(network);
	for (const { hostAddress } of ports) {
		if (hostAddress === undefined || families.includes(hostAddress.family)) continue;
		throw faults.NOTHING_TO_PUBLISH_AT({ address: hostAddress.toString(), endpoint: name }, { field: "ports" });
	}
}
