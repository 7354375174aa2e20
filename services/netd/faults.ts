/** What netd refuses, and why. The protos' error tables say the same for other languages. */
import { catalogue } from "#lib/fault/catalogue.ts";

export const faults = catalogue("netd", {
	INVALID_NAME: {
		code: "INVALID_ARGUMENT",
		message: (m: { what: string; name: string }) => `${quoted(m.name)} cannot be the name of ${m.what}.`,
		help: () => "Begin with a letter or a digit; then letters, digits, `_`, `.` and `-`, at most 128 in all.",
	},
	INVALID_OWNER: {
		code: "INVALID_ARGUMENT",
		message: (m: { field: string }) => `A sandbox needs its ${m.field}: who asks for it, and for what.`,
	},
	TOO_MANY_VALUES: {
		code: "INVALID_ARGUMENT",
		message: (m: { what: string; count: string; limit: string }) =>
			`These are ${m.count} ${m.what}: at most ${m.limit} can be given.`,
	},
	INVALID_PAGE_TOKEN: {
		code: "INVALID_ARGUMENT",
		message: () => "The page token is not one of netd's.",
		help: () => "Begin without a token.",
	},
	NETWORK_NAME_TAKEN: {
		code: "ALREADY_EXISTS",
		message: (m: { name: string }) => `A network named ${quoted(m.name)} is there already.`,
		help: () => "Choose another name, or remove that network.",
	},
	SUBNET_OVERLAPS: {
		code: "ALREADY_EXISTS",
		message: (m: { subnet: string; other: string; network: string }) =>
			`${m.subnet} overlaps ${m.other}, the subnet of the network ${m.network}.`,
		help: () => "Choose another subnet, or leave it out to get a free one.",
	},
	NETWORK_NOT_FOUND: {
		code: "NOT_FOUND",
		message: (m: { network: string }) => `There is no network ${quoted(m.network)}.`,
		help: () => "`wharf network ls` lists them.",
	},
	AMBIGUOUS_ID: {
		code: "INVALID_ARGUMENT",
		message: (m: { id: string; count: string }) => `${m.count} networks have an id that begins with ${quoted(m.id)}.`,
		help: () => "Give more digits of the id, or the name.",
	},
	NETWORK_NOT_READY: {
		code: "FAILED_PRECONDITION",
		message: (m: { network: string; state: string }) => `The network ${m.network} is ${m.state}, not active.`,
		help: () => "Wait until it is, or use another network.",
	},
	NETWORK_IN_USE: {
		code: "FAILED_PRECONDITION",
		message: (m: { network: string; endpoints: string }) => `The network ${m.network} is in use by ${m.endpoints}.`,
		help: () => "Disconnect them first.",
	},
	NETWORK_PREDEFINED: {
		code: "FAILED_PRECONDITION",
		message: (m: { network: string }) => `The network ${m.network} is predefined and cannot be removed.`,
	},
	CONFIG_ONLY_CANNOT: {
		code: "INVALID_ARGUMENT",
		message: (m: { what: string }) => `A configuration has subnets, options and labels, and cannot be ${m.what}.`,
		help: () => "Say it of the network that is made from it.",
	},
	CONFIG_TWICE: {
		code: "INVALID_ARGUMENT",
		message: (m: { what: string; config: string }) =>
			`The network gets its ${m.what} from the configuration ${quoted(m.config)}, and can be given none of its own.`,
		help: () => "Leave one of both out.",
	},
	NOT_A_CONFIGURATION: {
		code: "FAILED_PRECONDITION",
		message: (m: { network: string }) => `The network ${m.network} is no configuration that others could be made from.`,
		help: () => "`wharf network create --config-only` makes one.",
	},
	CONFIG_IN_USE: {
		code: "FAILED_PRECONDITION",
		message: (m: { network: string; networks: string }) =>
			`The configuration ${m.network} is in use by the networks ${m.networks}.`,
		help: () => "Remove those first.",
	},
	NETWORK_IS_CONFIG_ONLY: {
		code: "FAILED_PRECONDITION",
		message: (m: { network: string }) => `Nothing can be connected to ${m.network}: it is a configuration only.`,
		help: (m) => `Make a network from it: \`wharf network create --config-from ${m.network} NETWORK\`.`,
	},
	NETWORK_HAS_NO_ENDPOINTS: {
		code: "FAILED_PRECONDITION",
		message: (m: { network: string; driver: string }) =>
			`Nothing can be connected to ${m.network}: a network of the driver ${m.driver} has no endpoints.`,
		help: () => "Use a bridge network.",
	},
	UNKNOWN_DRIVER: {
		code: "INVALID_ARGUMENT",
		message: (m: { driver: string; known: string }) =>
			`There is no network driver ${quoted(m.driver)}; the known ones are ${m.known}.`,
	},
	DRIVER_IS_PREDEFINED: {
		code: "INVALID_ARGUMENT",
		message: (m: { driver: string }) => `There is one ${m.driver} network already, and there can be no other.`,
		help: (m) => `Use the network ${m.driver}.`,
	},
	UNKNOWN_OPTION: {
		code: "INVALID_ARGUMENT",
		message: (m: { option: string; driver: string; nearest: string; known: string }) =>
			`The driver ${m.driver} has no option ${quoted(m.option)}; ${m.nearest === "" ? `it has ${m.known}.` : `did you mean ${m.nearest}?`}`,
	},
	INVALID_OPTION: {
		code: "INVALID_ARGUMENT",
		message: (m: { option: string; value: string; allowed: string }) =>
			`The option ${m.option} is ${quoted(m.value)}; allowed is ${m.allowed}.`,
	},
	TOO_MANY_SUBNETS: {
		code: "INVALID_ARGUMENT",
		message: (m: { family: string }) => `A network has at most one IPv${m.family} subnet.`,
	},
	TOO_MANY_ADDRESSES: {
		code: "INVALID_ARGUMENT",
		message: (m: { family: string }) => `An endpoint has at most one IPv${m.family} address.`,
	},
	NO_SUBNET_OF_FAMILY: {
		code: "INVALID_ARGUMENT",
		message: (m: { network: string; address: string; family: string }) =>
			`${m.address} cannot be had: the network ${m.network} has no IPv${m.family} subnet.`,
	},
	SUBNET_IS_AUTOMATIC: {
		code: "INVALID_ARGUMENT",
		message: (m: { network: string; address: string }) =>
			`${m.address} cannot be asked for: the subnet of ${m.network} was chosen automatically and may be another one day.`,
		help: () => "Create a network with --subnet, and ask for an address of that.",
	},
	INTERFACE_EXISTS: {
		code: "ALREADY_EXISTS",
		message: (m: { interface: string }) =>
			`An interface ${m.interface} is there already, and it is not this network's.`,
		help: () => "Choose another name for the bridge.",
	},
	SANDBOX_NOT_FOUND: {
		code: "NOT_FOUND",
		message: (m: { sandbox: string }) => `There is no sandbox ${quoted(m.sandbox)}.`,
	},
	SANDBOX_NOT_READY: {
		code: "FAILED_PRECONDITION",
		message: (m: { sandbox: string; state: string }) => `The sandbox ${m.sandbox} is ${m.state}, not active.`,
	},
	SANDBOX_EXISTS: {
		code: "ALREADY_EXISTS",
		message: (m: { holder: string; owner: string }) => `${m.holder} has a sandbox for ${m.owner} already.`,
		help: () => "Delete that one first.",
	},
	NOT_A_NAMESPACE: {
		code: "INVALID_ARGUMENT",
		message: (m: { path: string }) => `${quoted(m.path)} is not a network namespace.`,
		help: () => "Give a path as /run/netns/NAME or /proc/PID/ns/net.",
	},
	PROCESS_NOT_FOUND: {
		code: "FAILED_PRECONDITION",
		message: (m: { pid: string }) => `There is no process ${m.pid} with a network namespace.`,
		help: () => "Give the pid of one that runs, as netd sees it.",
	},
	HOST_NAMESPACE: {
		code: "INVALID_ARGUMENT",
		message: (m: { what: string }) => `${quoted(m.what)} is the host's own network namespace.`,
		help: () => "Start the process in a network namespace of its own, as `unshare --net` does.",
	},
	NAMESPACE_TAKEN: {
		code: "ALREADY_EXISTS",
		message: (m: { sandbox: string }) => `The network namespace is the sandbox ${m.sandbox}'s already.`,
		help: () => "Share that one's (`join_sandbox_id`), or delete it first.",
	},
	NAMESPACE_TWICE: {
		code: "INVALID_ARGUMENT",
		message: (m: { one: string; other: string }) => `A sandbox has either ${m.one} or ${m.other}, and not both.`,
	},
	SANDBOX_IS_JOINED: {
		code: "FAILED_PRECONDITION",
		message: (m: { sandbox: string; owner: string }) =>
			`${m.sandbox} has no network of its own: it shares the network namespace of ${m.owner}.`,
		help: (m) => `Connect ${m.owner}; both have it then.`,
	},
	ALREADY_CONNECTED: {
		code: "ALREADY_EXISTS",
		message: (m: { sandbox: string; network: string }) => `${m.sandbox} is on the network ${m.network} already.`,
		help: () => "Disconnect it first.",
	},
	ENDPOINT_NOT_FOUND: {
		code: "NOT_FOUND",
		message: (m: { endpoint: string }) => `There is no endpoint ${quoted(m.endpoint)}.`,
	},
	UNKNOWN_ENDPOINT_OPTION: {
		code: "INVALID_ARGUMENT",
		message: (m: { option: string; nearest: string; known: string }) =>
			`Endpoints have no option ${quoted(m.option)}; ${m.nearest === "" ? `they have ${m.known}.` : `did you mean ${m.nearest}?`}`,
	},
	INTERFACE_NAME_TAKEN: {
		code: "ALREADY_EXISTS",
		message: (m: { interface: string; sandbox: string }) => `${m.sandbox} has an interface ${m.interface} already.`,
		help: () => "Choose another name, or none.",
	},
	SETTING_REFUSED: {
		code: "INVALID_ARGUMENT",
		message: (m: { setting: string; value: string; words: string }) =>
			`The kernel does not take ${quoted(m.value)} for the setting ${quoted(m.setting)} of an interface: ${m.words}.`,
	},
	GATEWAY_PRIORITY_TAKEN: {
		code: "ALREADY_EXISTS",
		message: (m: { priority: string; network: string }) =>
			`The default route leads through ${m.network}, whose gateway priority is ${m.priority} too.`,
		help: () => "Choose a higher or a lower one.",
	},
	INVALID_PORT: {
		code: "INVALID_ARGUMENT",
		message: (m: { port: string; what: string }) =>
			`${m.port} cannot be a ${m.what}; allowed is ${allowedPorts(m.what)}.`,
	},
	PORT_TWICE: {
		code: "INVALID_ARGUMENT",
		message: (m: { port: string }) => `The port ${m.port} of the host is asked for twice.`,
	},
	PORT_IN_USE: {
		code: "ALREADY_EXISTS",
		message: (m: { port: string; holder: string }) => `The port ${m.port} of the host is in use by ${m.holder}.`,
		help: () => "Choose another port of the host, or 0 for a free one.",
	},
	NO_PORT_FREE: {
		code: "RESOURCE_EXHAUSTED",
		message: (m: { protocol: string }) => `The host has no free ${m.protocol} port.`,
	},
	NO_PORT_OF_RANGE_FREE: {
		code: "RESOURCE_EXHAUSTED",
		message: (m: { first: string; port: string }) => `No port of the host from ${m.first} to ${m.port} is free.`,
		help: () => "Choose a wider range or another one, or 0 for any free port.",
	},
	NOT_A_HOST_ADDRESS: {
		code: "INVALID_ARGUMENT",
		message: (m: { address: string }) => `The host has no address ${m.address} to publish at.`,
		help: () => "Choose one of its own, or none for all of them.",
	},
	PROTOCOL_UNSUPPORTED: {
		code: "FAILED_PRECONDITION",
		message: (m: { protocol: string }) => `Nothing can be published over ${m.protocol}: this kernel has none.`,
		help: (m) => `Load its module with \`modprobe ${m.protocol}\`; a kernel that was built without it cannot have it.`,
	},
	LOOPBACK6_UNPUBLISHABLE: {
		code: "INVALID_ARGUMENT",
		message: () => "Nothing can be published at ::1: the kernel does not translate from there.",
		help: () => "Publish at 127.0.0.1 instead.",
	},
	NOTHING_TO_PUBLISH_AT: {
		code: "INVALID_ARGUMENT",
		message: (m: { address: string; endpoint: string }) =>
			`${m.endpoint} cannot be published at ${m.address}: it has no address of that family.`,
	},
	PORT_IS_ROUTED: {
		code: "INVALID_ARGUMENT",
		message: (m: { address: string; network: string }) =>
			`Nothing of ${m.network} can be published at ${m.address}: it is routed, and published is what is open at the containers' own addresses, to everybody.`,
		help: () => "Leave out the address, or use a network with the gateway mode nat.",
	},
	NETWORK_IS_INTERNAL: {
		code: "FAILED_PRECONDITION",
		message: (m: { network: string }) => `Nothing can be published on ${m.network}: it is internal, no way in.`,
		help: () => "Publish through a network that is not internal.",
	},
	PARENT_NOT_FOUND: {
		code: "FAILED_PRECONDITION",
		message: (m: { parent: string }) => `The host has no interface ${m.parent} that containers could be on.`,
		help: () => "`ip link` lists the host's; give one of them as -o parent=….",
	},
	PARENT_UNUSABLE: {
		code: "FAILED_PRECONDITION",
		message: (m: { parent: string; why: string }) => `Containers cannot be on the interface ${m.parent}: ${m.why}.`,
	},
	PARENT_IN_USE: {
		code: "FAILED_PRECONDITION",
		message: (m: { parent: string; network: string; why: string }) =>
			`The interface ${m.parent} is in use by the network ${m.network}: ${m.why}.`,
		help: () => "Choose another parent, or remove that network.",
	},
	LINK_KIND_UNSUPPORTED: {
		code: "FAILED_PRECONDITION",
		message: (m: { kind: string }) =>
			m.kind === "dummy"
				? "A network without a parent needs the kernel's dummy links, and this kernel has none."
				: `A sub-interface needs the kernel's ${m.kind} links, and this kernel has none.`,
		help: () => "Give an interface that is there as -o parent=….",
	},
	UPLINK_HAS_ADDRESSES: {
		code: "FAILED_PRECONDITION",
		message: (m: { uplink: string; address: string }) =>
			`The interface ${m.uplink} has the host's address ${m.address}, which would not work at a port of a bridge.`,
		help: () =>
			"Say -o wharf.bridge.uplink_move=true to have the host's addresses and routes moved to the bridge, and back when the network goes.",
	},
	SHIM_RANGE_TAKEN: {
		code: "FAILED_PRECONDITION",
		message: (m: { range: string; address: string; interface: string }) =>
			`The host cannot reach ${m.range} by a link of its own: it has ${m.address} there already, at ${m.interface}.`,
		help: () => "Give an --ip-range: a part of the subnet without the host's own addresses, for containers alone.",
	},
	NETWORK_TAKES_ONE: {
		code: "FAILED_PRECONDITION",
		message: (m: { network: string; holder: string }) =>
			`The network ${m.network} takes one endpoint, as its mode is passthru, and ${m.holder} has it.`,
		help: () => "Disconnect that one, or use a network of another mode.",
	},
	DRIVER_PUBLISHES_NOTHING: {
		code: "FAILED_PRECONDITION",
		message: (m: { network: string; driver: string }) =>
			`Nothing can be published on ${m.network}: the containers of a ${m.driver} network are reached at their own addresses, and not through the host.`,
		help: () => "Leave the ports out, or publish through a bridge network without an uplink.",
	},
	KERNEL_REFUSED: {
		code: "INTERNAL",
		message: (m: { what: string; words: string }) => `The kernel refused to ${m.what}: ${m.words}.`,
	},
	WATCH_TOO_SLOW: {
		code: "RESOURCE_EXHAUSTED",
		message: () => "The watch was ended: its reader is too far behind.",
		help: () => "Watch again: it begins with everything as it is.",
	},
});

const LONGEST_QUOTE = 80;

/** Untrusted text in a sentence: control characters escaped, and never longer than a line. */
function quoted(text: string): string {
	return JSON.stringify(text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}…` : text);
}

function allowedPorts(what: string): string {
	if (what.startsWith("last port")) return "a higher one, up to 65535";
	return what === "host port" ? "0 (a free one) to 65535" : "1 to 65535";
}
