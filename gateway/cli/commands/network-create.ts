import { CreateNetworkRequest, NetworkServiceService, type SubnetSpec } from "#gen/wharf/network/v1/network.ts";
import { connect, requestId } from "../requests.ts";
import { command } from "../syntax/command.ts";
import { syntaxFaults } from "../syntax/faults.ts";
import { parsePairs } from "../syntax/pairs.ts";

const FLAGS = {
	driver: { kind: "text", short: "d", value: "DRIVER", help: "`bridge`, which it is without this, or `macvlan`" },
	subnet: {
		kind: "list",
		value: "CIDR",
		help: "Its subnet, as 172.28.0.0/16; one for IPv4 and one for IPv6; automatic without this",
	},
	gateway: { kind: "list", value: "ADDRESS", help: "The gateway in the subnet; the first address without this" },
	"ip-range": {
		kind: "list",
		value: "RANGE",
		help: "Automatic addresses come from this part of the subnet, as 10.2.0.128/25 or 10.2.0.10-10.2.0.50",
	},
	"aux-address": { kind: "list", value: "NAME=ADDRESS", help: "Leave this address of the subnet alone" },
	dns: {
		kind: "list",
		value: "ADDRESS",
		help: "A server for names that are not wharf's, for containers that say none themselves; the host's without this",
	},
	internal: { kind: "switch", help: "No way out and no way in" },
	ipv6: { kind: "switch", help: "An IPv6 subnet as well" },
	attachable: { kind: "switch", help: "Programs may connect containers to it by hand" },
	"config-only": {
		kind: "switch",
		help: "A configuration for other networks: subnets, options, labels and servers, and nothing else",
	},
	"config-from": {
		kind: "text",
		value: "NETWORK",
		help: "Take subnets, options, labels and servers from this configuration",
	},
	opt: { kind: "list", short: "o", value: "KEY=VALUE", help: "An option of the driver" },
	label: { kind: "list", value: "KEY=VALUE", help: "A label" },
} as const;

export default command({
	name: "network create",
	summary: "Makes a network and prints its id.",
	operands: "NETWORK",
	minOperands: 1,
	maxOperands: 1,
	flags: FLAGS,
	examples: [
		["wharf network create front", "a bridge with a subnet that overlaps nothing"],
		["wharf network create -d macvlan -o parent=eth1 --subnet 10.77.0.0/24 lan", "on the segment of the host's eth1"],
		["wharf network create --subnet 172.28.0.0/16 --gateway 172.28.5.254 back", "with a subnet of your choice"],
	],
	async run({ flags, operands: [name = ""], terminal }) {
		const request = CreateNetworkRequest.fromPartial({
			requestId: requestId(),
			name,
			driver: flags.driver ?? "",
			subnets: subnets(flags),
			internal: flags.internal,
			ipv6: flags.ipv6,
			options: parsePairs(flags.opt, "The option"),
			labels: parsePairs(flags.label, "The label"),
			attachable: flags.attachable,
			dnsServers: [...flags.dns],
			configOnly: flags["config-only"],
			configFrom: flags["config-from"] ?? "",
		});
		using netd = connect(terminal.paths, "netd", NetworkServiceService);
		const { network, warnings } = await netd.createNetwork(request);
		for (const warning of warnings) await terminal.err(`${warning}\n`);
		await terminal.out(`${network?.id ?? ""}\n`);
		return 0;
	},
});

interface SubnetFlags {
	readonly subnet: readonly string[];
	readonly gateway: readonly string[];
	readonly "ip-range": readonly string[];
	readonly "aux-address": readonly string[];
}

/** Everything goes to the subnet of its family; without --subnet, to an automatic one. */
function subnets(flags: SubnetFlags): SubnetSpec[] {
	const specs = new Map<boolean, SubnetSpec>();
	const specOf = (text: string): SubnetSpec => {
		const isV6 = text.includes(":");
		const spec = specs.get(isV6) ?? { cidr: "", ipRange: "", gateway: "", auxiliaryAddresses: {} };
		specs.set(isV6, spec);
		return spec;
	};
	const once = (text: string, key: "cidr" | "ipRange" | "gateway", flag: string): void => {
		const spec = specOf(text);
		if (spec[key] !== "") throw syntaxFaults.FLAG_GIVEN_TWICE({ command: "network create", flag });
		spec[key] = text;
	};
	for (const text of flags.subnet) once(text, "cidr", "--subnet");
	for (const text of flags.gateway) once(text, "gateway", "--gateway");
	for (const text of flags["ip-range"]) once(text, "ipRange", "--ip-range");
	for (const [name, address] of Object.entries(parsePairs(flags["aux-address"], "The auxiliary address"))) {
		specOf(address).auxiliaryAddresses[name] = address;
	}
	return [...specs.values()];
}
