/** The packet rules, compared with the rows as a whole. What is right is never touched: traffic goes on. */
import { attachmentOf } from "../attachments.ts";
import type { Endpoint } from "../endpoint.ts";
import type { Shortcut } from "../kernel/firewall.ts";
import { hostPortKey } from "../port.ts";
import type { Parts } from "../parts.ts";
import { publicationsOf, shortcutsOf } from "../publications.ts";
import { isThere } from "../status.ts";

/** One synchronous piece, so that no operation changes rows or rules in between; those under way keep what is theirs. */
export function assertRules(parts: Parts): void {
	const { kernel, records, drivers, locks, log } = parts;
	const remade = kernel.firewall.ensureSkeleton();
	const networks = records.networks();
	const endpoints = records.endpoints();
	const busyBridges = new Set(
		networks.filter(({ id }) => locks.isTaken(id)).map((network) => network.interface as string),
	);
	const busy = endpoints.filter(({ sandboxId }) => locks.isTaken(sandboxId)).flatMap(({ ports }) => ports);
	const busyPorts = new Set(
		busy.map(({ protocol, hostPort }) => hostPortKey({ protocol, hostPort, hostAddress: undefined })),
	);
	// The address of an endpoint that is being made is not stored yet: all that begins on its bridge may be about it.
	const busyNetworks = new Set(
		endpoints.filter(({ sandboxId }) => locks.isTaken(sandboxId)).map(({ networkId }) => networkId),
	);
	const inWork = new Set(
		networks.filter(({ id }) => busyNetworks.has(id)).map((network) => network.interface as string),
	);
	const busyOpenings = new Set(busy.map(({ protocol, containerPort }) => `${protocol} ${containerPort}`));
	const reaches = new Map(networks.map((network) => [network.id, drivers.linked(network)?.reachOf(network)]));
	const publications = (endpoint: Endpoint) => {
		const reach = reaches.get(endpoint.networkId);
		return reach === undefined ? [] : publicationsOf(endpoint, reach);
	};
	const difference = kernel.firewall.assert(
		{
			networks: networks.filter(isThere).flatMap((network) => drivers.linked(network)?.rulesOf(network) ?? []),
			publications: endpoints.filter(isThere).flatMap(publications),
			shortcuts: shortcutsOfAll(parts, endpoints.filter(isThere)),
		},
		{
			bridge: (name) => busyBridges.has(name),
			shortcut: ({ bridge }) => inWork.has(bridge),
			hostPort: ({ protocol, hostPort }) => busyPorts.has(hostPortKey({ protocol, hostPort, hostAddress: undefined })),
			openPort: ({ protocol, targetPort }) => busyOpenings.has(`${protocol} ${targetPort}`),
		},
	);
	const { added, removed } = difference;
	if (remade || added.length + removed.length > 0) {
		log.warn("the packet rules were put right", { remade, added: added.length, removed: removed.length });
	}
}

function shortcutsOfAll({ records, drivers }: Parts, endpoints: readonly Endpoint[]): Shortcut[] {
	const bySandbox = Map.groupBy(endpoints, ({ sandboxId }) => sandboxId);
	return [...bySandbox.values()]
		.filter((own) => own.length > 1)
		.flatMap((own) =>
			shortcutsOf(
				drivers,
				own.map((endpoint) => attachmentOf(records, endpoint)),
			),
		);
}
