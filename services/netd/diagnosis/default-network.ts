/** Whether the default network is as its settings say: they are applied at netd's start, and only while nothing is on it. */
import { differenceText } from "../default-bridge.ts";
import { commandLine, type Finding } from "./finding.ts";
import type { Situation } from "./situation.ts";

export function checkDefaultNetwork({ defaultNetwork: { differences, users } }: Situation): Finding[] {
	if (differences.length === 0) return [];
	const stop = users.length === 0 ? "" : `Stop what is on it (${users.join(", ")}), then `;
	const restart = "restart the services: settings are applied as they start, while nothing is on the network.";
	return [
		{
			severity: "warning",
			code: "DEFAULT_NETWORK_DIFFERS",
			sentence: `The network bridge is not as the settings say: ${differences.map(differenceText).join("; ")}.`,
			advice: stop === "" ? `${restart[0]?.toUpperCase()}${restart.slice(1)}` : `${stop}${restart}`,
			commands: [
				...(users.length === 0 ? [] : [commandLine("wharf", "stop", ...users)]),
				commandLine("wharf", "down"),
				commandLine("wharf", "up"),
			],
			metadata: { network: "bridge", settings: differences.map(({ what }) => what).join(", ") },
		},
	];
}
