import { ConnectContainerRequest, ContainerServiceService } from "#gen/wharf/container/v1/container.ts";
import { connect, requestId } from "../requests.ts";
import { parseLink } from "../syntax/links.ts";
import { parseGatewayPriority } from "../syntax/networks.ts";
import { command } from "../syntax/command.ts";

export default command({
	name: "network connect",
	summary: "Joins a container to a network: at once when it runs, with its next start otherwise.",
	operands: "NETWORK CONTAINER",
	minOperands: 2,
	maxOperands: 2,
	flags: {
		ip: { kind: "text", value: "ADDRESS", help: "The IPv4 address to have; automatic without this" },
		ip6: { kind: "text", value: "ADDRESS", help: "The IPv6 address to have" },
		"gw-priority": {
			kind: "text",
			value: "NUMBER",
			help: "The network with the highest has its default routes; 0 without this",
		},
		alias: { kind: "list", value: "NAME", help: "Another name that it answers to on this network" },
		link: {
			kind: "list",
			value: "CONTAINER[:ALIAS]",
			help: "Another container on this network, by a name for this one alone",
		},
	},
	async run({ flags, operands: [network = "", container = ""], terminal }) {
		using gateway = connect(terminal.paths, "gateway", ContainerServiceService);
		const addresses = [flags.ip, flags.ip6].filter((one) => one !== undefined);
		const gatewayPriority = parseGatewayPriority(flags["gw-priority"] ?? "0");
		const { warnings } = await gateway.connectContainer(
			ConnectContainerRequest.fromPartial({
				requestId: requestId(),
				container,
				network: { network, addresses, aliases: [...flags.alias], gatewayPriority, links: flags.link.map(parseLink) },
			}),
		);
		for (const warning of warnings) await terminal.err(`${warning}\n`);
		return 0;
	},
});
