/** Whether the host forwards what networks send and get. */
import { commandLine, type Finding } from "./finding.ts";
import { hasFamily, linkOf, type Situation, uplinks } from "./situation.ts";

const ADVICE = "Switch it on, and look in /etc/sysctl.d for what switches it off: netd puts it back only now and then.";

export function checkForwarding(situation: Situation): Finding[] {
	return [...([4, 6] as const).flatMap((family) => offAltogether(situation, family)), ...offAtLinks(situation)];
}

function offAltogether({ host, networks }: Situation, family: 4 | 6): Finding[] {
	// A kernel without IPv6 is another finding.
	const concerned = networks.filter((network) => !network.internal && hasFamily(network, family));
	if (host.forwards[family] !== false || concerned.length === 0) return [];
	const setting = family === 4 ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding";
	return [
		{
			severity: "error",
			code: "FORWARDING_OFF",
			sentence: `The host does not forward IPv${family} packets: containers reach nothing outside, and nothing outside reaches them.`,
			advice: ADVICE,
			commands: [commandLine("sysctl", "-w", `${setting}=1`)],
			metadata: { family: String(family), setting },
		},
	];
}

function offAtLinks({ host, networks }: Situation): Finding[] {
	const concerned = networks.filter((network) => !network.internal && hasFamily(network, 4));
	if (!host.forwards[4] || concerned.length === 0) return [];
	const bridges = concerned.map(({ bridge }) => linkOf(host, bridge)).filter((link) => link !== undefined);
	const off = [...new Set([...bridges, ...uplinks(host, 4)])].filter(({ forwards }) => !forwards);
	return off.map(({ name }) => {
		// With slashes: the name of a link may have dots.
		const setting = `net/ipv4/conf/${name}/forwarding`;
		return {
			severity: "error",
			code: "FORWARDING_OFF",
			sentence: `The host does not forward IPv4 packets that come in at ${name}.`,
			advice: ADVICE,
			commands: [commandLine("sysctl", "-w", `${setting}=1`)],
			metadata: { family: "4", setting, interface: name },
		};
	});
}
