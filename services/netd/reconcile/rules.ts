/** The packet rules, compared with the rows as a whole. What is right is never touched: traffic goes on. */
import { hostPortKey } from "../port.ts";
import type { Parts } from "../parts.ts";
import { publicationsOf } from "../publications.ts";

/** One synchronous piece, so that no operation changes rows or rules in between; those under way keep what is theirs. */
export function assertRules({ kernel, records, drivers, locks, log }: Parts): void {
	const remade = kernel.firewall.ensureSkeleton();
	const networks = records.networks();
	const endpoints = records.endpoints();
	const isThere = ({ status }: { status: { state: string } }): boolean =>
		status.state === "active" || status.state === "failed";
	const busyBridges = new Set(
		networks.filter(({ id }) => locks.isTaken(id)).map((network) => network.interface as string),
	);
	const busyPorts = new Set(
		endpoints
			.filter(({ sandboxId }) => locks.isTaken(sandboxId))
			.flatMap(({ ports }) =>
				ports.map(({ protocol, hostPort }) => hostPortKey({ protocol, hostPort, hostAddress: undefined })),
			),
	);
	const difference = kernel.firewall.assert(
		{
			networks: networks.filter(isThere).flatMap((network) => drivers.linked(network)?.rulesOf(network) ?? []),
			publications: endpoints.filter(isThere).flatMap(publicationsOf),
		},
		{
			bridge: (name) => busyBridges.has(name),
			hostPort: ({ protocol, hostPort }) => busyPorts.has(hostPortKey({ protocol, hostPort, hostAddress: undefined })),
		},
	);
	const { added, removed } = difference;
	if (remade || added.length + removed.length > 0) {
		log.warn("the packet rules were put right", { remade, added: added.length, removed: removed.length });
	}
}
