/** Whether frames between containers of one network meet the packet rules of others (br_netfilter). */
import { commandLine, type Finding } from "./finding.ts";
import { isOfFamily, letsThrough } from "./foreign-chains.ts";
import { hasFamily, type Situation } from "./situation.ts";

const SETTINGS = { 4: "net.bridge.bridge-nf-call-iptables", 6: "net.bridge.bridge-nf-call-ip6tables" } as const;

/** Where nobody drops what is ours, showing frames costs time and nothing else. */
export function checkBridgedFrames({ host, networks }: Situation): Finding[] {
	return ([4, 6] as const).flatMap((family): Finding[] => {
		if (!host.showsBridged[family]) return [];
		const concerned = networks.filter((network) => hasFamily(network, family));
		const first = host.droppers
			.filter((dropper) => isOfFamily(dropper, family))
			.find((dropper) => concerned.some((network) => !letsThrough(dropper, network)));
		if (first === undefined) return [];
		const setting = SETTINGS[family];
		return [
			{
				severity: "warning",
				code: "BRIDGED_FRAMES_FILTERED",
				sentence: `IPv${family} between containers of one network meets the host's packet rules (br_netfilter), and the chain ${first.chain} of the table ${first.family} ${first.table} drops what it is not told to accept.`,
				advice:
					"wharf does not need it: switch it off, unless another program (Kubernetes, Docker with icc=false) wants it.",
				commands: [commandLine("sysctl", "-w", `${setting}=0`)],
				metadata: { family: String(family), setting, table: `${first.family} ${first.table}`, chain: first.chain },
			},
		];
	});
}
