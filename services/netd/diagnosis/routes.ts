/** Whether a route of the host leads a network's addresses elsewhere: a VPN that came up later. */
import type { Cidr } from "#lib/address/cidr.ts";
import type { IfName } from "#lib/address/if-name.ts";
import { commandLine, type Finding } from "./finding.ts";
import { type BridgedNetwork, MAIN_TABLE, type Situation } from "./situation.ts";

/** Ways to everywhere: 0/0, and the halves that a VPN puts before it. They take nothing away from a longer one. */
const LONGEST_CATCH_ALL = { 4: 1, 6: 3 } as const;

export function checkRoutes({ host, networks }: Situation): Finding[] {
	return networks.flatMap((network) =>
		host.routes.flatMap(({ destination, links, table }) => {
			const link = links.find((name) => name !== network.bridge);
			const subnet = network.subnets.find((each) => each.overlaps(destination));
			if (link === undefined || subnet === undefined) return [];
			if (subnet.contains(destination)) return [takenAway(network, subnet, { destination, link, table })];
			return destination.prefix > LONGEST_CATCH_ALL[destination.family]
				? [shadowed(network, subnet, { destination, link, table })]
				: [];
		}),
	);
}

interface Way {
	readonly destination: Cidr;
	readonly link: IfName;
	readonly table: number;
}

/** As long as the subnet's own route, or longer: it takes the packets. */
function takenAway({ name }: BridgedNetwork, subnet: Cidr, { destination, link, table }: Way): Finding {
	const inTable = table === MAIN_TABLE ? [] : ["table", String(table)];
	return {
		severity: "error",
		code: "ROUTE_CONFLICT",
		sentence: `A route of the host leads ${destination} to ${link}, and the network ${name} has ${subnet}: containers with such addresses are not reached.`,
		advice:
			"Take the route away, or have the program that made it leave these addresses out; else remove the network and make it again with another --subnet.",
		commands: [commandLine("ip", "route", "del", destination.toString(), "dev", link, ...inTable)],
		metadata: { network: name, subnet: subnet.toString(), route: destination.toString(), interface: link },
	};
}

/** The subnet's own route is longer and wins: what is behind the other one under the same addresses is out of reach. */
function shadowed({ name, predefined }: BridgedNetwork, subnet: Cidr, { destination, link }: Way): Finding {
	return {
		severity: "warning",
		code: "ROUTE_SHADOWED",
		sentence: `A route of the host leads ${destination} to ${link}, and ${subnet} in it is the network ${name}: machines there with such addresses are not reached from this host.`,
		advice: predefined
			? "If there are any, have the other program use addresses that are nobody's, or its containers a network of their own."
			: "If there are any, remove the network and make it again with a --subnet that is nobody's.",
		commands: predefined ? [] : [commandLine("wharf", "network", "rm", name)],
		metadata: { network: name, subnet: subnet.toString(), route: destination.toString(), interface: link },
	};
}
