/** Whether a network's packets fit through the way out. */
import { MTU } from "../drivers/bridge-options.ts";
import { commandLine, type Finding } from "./finding.ts";
import { type BridgedNetwork, hasFamily, linkOf, type Situation, uplinks } from "./situation.ts";

export function checkMtu(situation: Situation): Finding[] {
	return situation.networks.filter(({ internal }) => !internal).flatMap((network) => tooLarge(situation, network));
}

function tooLarge({ host }: Situation, network: BridgedNetwork): Finding[] {
	const mtu = linkOf(host, network.bridge)?.mtu;
	const ways = ([4, 6] as const)
		.filter((family) => hasFamily(network, family))
		.flatMap((family) => uplinks(host, family).slice(0, 1));
	const [narrowest] = ways.sort((a, b) => a.mtu - b.mtu);
	if (mtu === undefined || narrowest === undefined || mtu <= narrowest.mtu) return [];
	const { name } = network;
	return [
		{
			severity: "warning",
			code: "MTU_TOO_LARGE",
			sentence: `The network ${name} has an MTU of ${mtu}, and the way out, ${narrowest.name}, one of ${narrowest.mtu}: large packets are lost where nobody is told that they are too large.`,
			advice: `An MTU is a network's for life: make a network with ${narrowest.mtu}, and move the containers there.`,
			commands: [
				commandLine("wharf", "network", "create", "-o", `${MTU}=${narrowest.mtu}`, `${name}-${narrowest.mtu}`),
			],
			metadata: { network: name, mtu: String(mtu), interface: narrowest.name, interface_mtu: String(narrowest.mtu) },
		},
	];
}
