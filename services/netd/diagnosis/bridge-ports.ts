/** How many more containers a network's bridge can take. */
import { commandLine, type Finding } from "./finding.ts";
import type { Situation } from "./situation.ts";

/** The kernel's BR_MAX_PORTS is 1 << 10, and the number 0 is no port's. */
const LIMIT = 1023;
const WARN_FROM = 900;

export function checkBridgePorts({ host, networks }: Situation): Finding[] {
	return networks.flatMap(({ name, bridge }): Finding[] => {
		const ports = host.links.filter(({ master }) => master === bridge).length;
		if (ports < WARN_FROM) return [];
		const isFull = ports >= LIMIT;
		return [
			{
				severity: isFull ? "error" : "warning",
				code: isFull ? "BRIDGE_FULL" : "BRIDGE_NEARLY_FULL",
				sentence: isFull
					? `The network ${name} is full: its bridge ${bridge} has all the ${LIMIT} ports that the kernel allows.`
					: `The network ${name} has ${ports} containers, and its bridge ${bridge} takes ${LIMIT} at most.`,
				advice: "Make another network, and connect new containers to that.",
				commands: [commandLine("wharf", "network", "create", `${name}-2`)],
				metadata: { network: name, interface: bridge, ports: String(ports), limit: String(LIMIT) },
			},
		];
	});
}
