/** Whether the host has the IPv6 that a network wants. */
import { commandLine, type Finding } from "./finding.ts";
import { hasFamily, linkOf, type Situation } from "./situation.ts";

export function checkIpv6({ host, networks }: Situation): Finding[] {
	return networks
		.filter((network) => hasFamily(network, 6) && linkOf(host, network.bridge)?.ipv6 === false)
		.map(({ name, bridge }): Finding => {
			const isAbsent = host.forwards[6] === undefined;
			return {
				severity: "error",
				code: "IPV6_OFF",
				sentence: isAbsent
					? `The network ${name} wants IPv6, and the kernel was started without it.`
					: `The network ${name} wants IPv6, and it is off at its bridge ${bridge}.`,
				advice: isAbsent
					? "Start the machine without ipv6.disable=1 on the kernel's command line."
					: "Switch it on, and look in /etc/sysctl.d for what switches it off.",
				commands: isAbsent
					? []
					: [
							commandLine("sysctl", "-w", "net.ipv6.conf.all.disable_ipv6=0"),
							commandLine("sysctl", "-w", `net/ipv6/conf/${bridge}/disable_ipv6=0`),
						],
				metadata: { network: name, interface: bridge },
			};
		});
}
