/** What the gateway refuses. What netd, ipamd and volumed refuse passes through as they said it. */
import { catalogue } from "#lib/fault/catalogue.ts";

export const gatewayFaults = catalogue("gateway", {
	CONTAINER_NAME_TAKEN: {
		code: "ALREADY_EXISTS",
		message: (m: { name: string; id: string }) => `The name ${m.name} is taken by container ${m.id}.`,
		help: (m) => `Choose another name, or remove it with \`wharf rm ${m.name}\`.`,
	},
	INVALID_NAME: {
		code: "INVALID_ARGUMENT",
		message: (m: { what: string; name: string }) =>
			`The ${m.what} ${JSON.stringify(m.name)} is malformed: a letter or digit first, then letters, digits, \`_\`, \`.\` and \`-\`, at most 128.`,
	},
	INVALID_HOSTNAME: {
		code: "INVALID_ARGUMENT",
		message: (m: { hostname: string }) =>
			`The host name ${JSON.stringify(m.hostname)} is malformed: letters, digits and \`-\`, with \`.\` between parts, at most 64 in all.`,
	},
	TOO_MANY_VALUES: {
		code: "INVALID_ARGUMENT",
		message: (m: { what: string; count: string; limit: string }) =>
			`These are ${m.count} ${m.what}: at most ${m.limit} can be given.`,
	},
	INVALID_DNS_SETTING: {
		code: "INVALID_ARGUMENT",
		message: (m: { what: string; value: string; allowed: string }) =>
			`The ${m.what} ${JSON.stringify(m.value)} is not valid: it has to be ${m.allowed}.`,
	},
	INVALID_EXTRA_HOST: {
		code: "INVALID_ARGUMENT",
		message: (m: { host: string; problem: string }) =>
			`The extra host ${JSON.stringify(m.host)} is not valid: ${m.problem}.`,
		help: () => "Give it as NAME:ADDRESS, or as NAME:host-gateway for the host's own address.",
	},
	NO_HOST_GATEWAY: {
		code: "FAILED_PRECONDITION",
		message: (m: { container: string; name: string }) =>
			`${m.name} cannot be the host in container ${m.container}: the host has no address on a network of it.`,
		help: () => "Give an address instead of `host-gateway`, or join a bridge network that is not internal.",
	},
	LINK_TWICE: {
		code: "INVALID_ARGUMENT",
		message: (m: { alias: string }) => `Two links are called ${m.alias}.`,
		help: () => "Give one of them another name: `--link CONTAINER:ALIAS`.",
	},
	LINK_TOO_LATE: {
		code: "INVALID_ARGUMENT",
		message: (m: { network: string }) =>
			`A link on network ${m.network} is made with its container, and cannot be added to one that is there.`,
		help: () => "Use a network of your own: `wharf network create`.",
	},
	LINKED_ELSEWHERE: {
		code: "FAILED_PRECONDITION",
		message: (m: { container: string; network: string }) =>
			`Container ${m.container} cannot be linked to: it is not on network ${m.network}.`,
		help: () => "Put both on a network of your own, where names resolve: `wharf network create`.",
	},
	LINKED_NOT_RUNNING: {
		code: "FAILED_PRECONDITION",
		message: (m: { container: string; other: string }) =>
			`Container ${m.container} is linked to ${m.other}, which does not run.`,
		help: (m) => `Start that one first: \`wharf start ${m.other}\`.`,
	},
	INVALID_ENVIRONMENT: {
		code: "INVALID_ARGUMENT",
		message: (m: { entry: string }) =>
			`The environment entry ${JSON.stringify(m.entry)} is malformed: it has to be NAME=VALUE.`,
	},
	INVALID_PORT: {
		code: "INVALID_ARGUMENT",
		message: (m: { port: string }) => `The port ${m.port} does not exist: ports are from 1 to 65535.`,
	},
	INVALID_LOG_LIMIT: {
		code: "INVALID_ARGUMENT",
		message: () => "A log has to have one file at least.",
		help: () => "Leave the limit out for three.",
	},
	IMAGE_NOT_FOUND: {
		code: "NOT_FOUND",
		message: (m: { image: string }) => `There is no image ${JSON.stringify(m.image)}.`,
		help: () => "`host` is always there: an overlay over this machine's own `/`.",
	},
	NO_COMMAND: {
		code: "INVALID_ARGUMENT",
		message: (m: { image: string }) => `No command is given, and the image ${m.image} has none.`,
		help: (m) => `Give one: \`wharf run ${m.image} sleep 1000\`.`,
	},
	NETWORK_HAS_NO_ENDPOINTS: {
		code: "INVALID_ARGUMENT",
		message: (m: { network: string; what: string }) => `The network ${m.network} has no ${m.what}.`,
		help: () => "Use a bridge network: `wharf network create`.",
	},
	NETWORK_STANDS_ALONE: {
		code: "INVALID_ARGUMENT",
		message: (m: { network: string }) => `The network ${m.network} cannot be joined beside others.`,
		help: () => "Give it alone, or bridge networks only.",
	},
	NETWORK_IS_CONFIG_ONLY: {
		code: "FAILED_PRECONDITION",
		message: (m: { network: string }) => `No container can be on ${m.network}: it is a configuration only.`,
		help: (m) => `Make a network from it: \`wharf network create --config-from ${m.network} NETWORK\`.`,
	},
	NETWORK_IS_SHARED: {
		code: "INVALID_ARGUMENT",
		message: (m: { owner: string; what: string }) =>
			`There can be no ${m.what} here: the network is that of container ${m.owner}.`,
		help: (m) => `Give them to ${m.owner}: what it has, both have.`,
	},
	NETWORK_OWNER_GONE: {
		code: "FAILED_PRECONDITION",
		message: (m: { container: string; owner: string }) =>
			`Container ${m.container} has the network of ${m.owner}, and there is no such container any more.`,
		help: () => "Remove it, and make it again with another network.",
	},
	NETWORK_OWNER_NOT_RUNNING: {
		code: "FAILED_PRECONDITION",
		message: (m: { container: string; owner: string }) =>
			`Container ${m.container} has the network of ${m.owner}, which does not run.`,
		help: (m) => `Start that one first: \`wharf start ${m.owner}\`.`,
	},
	NETWORK_GIVEN_TWICE: {
		code: "INVALID_ARGUMENT",
		message: (m: { network: string }) => `The network ${m.network} is given twice.`,
	},
	CONTAINER_NOT_FOUND: {
		code: "NOT_FOUND",
		message: (m: { container: string }) => `There is no container ${JSON.stringify(m.container)}.`,
		help: () => "`wharf ps -a` lists all.",
	},
	AMBIGUOUS_ID: {
		code: "INVALID_ARGUMENT",
		message: (m: { container: string }) => `The ids of several containers begin with ${m.container}.`,
		help: () => "Give more digits, or the name.",
	},
	INVALID_PAGE_TOKEN: {
		code: "INVALID_ARGUMENT",
		message: () => "The page token is not one of this service's.",
		help: () => "Begin without a token.",
	},
	COMMAND_NOT_FOUND: {
		code: "NOT_FOUND",
		message: (m: { command: string; container: string }) =>
			`There is no program ${JSON.stringify(m.command)} in container ${m.container}.`,
	},
	COMMAND_NOT_EXECUTABLE: {
		code: "FAILED_PRECONDITION",
		message: (m: { command: string; container: string }) =>
			`${JSON.stringify(m.command)} in container ${m.container} is not a program: it is a directory or may not be executed.`,
	},
	RUNTIME_FAILED: {
		code: "INTERNAL",
		message: (m: { container: string; words: string }) =>
			`runc could not do it for container ${m.container}: ${m.words}`,
	},
	MOUNT_UNFIT: {
		code: "FAILED_PRECONDITION",
		message: (m: { container: string; destination: string; problem: string }) =>
			`The mount at ${m.destination} of container ${m.container} does not fit: ${m.problem}.`,
		help: () => "Choose another destination.",
	},
	MOUNT_NOT_READ_ONLY: {
		code: "FAILED_PRECONDITION",
		message: (m: { container: string; destination: string }) =>
			`${m.destination} of container ${m.container} was to be read-only and can be written to: the container was not started.`,
		help: () => "A runtime with recursive read-only mounts (runc 1.1) and a kernel from 5.12 on make it so.",
	},
	ROOTFS_MISSING: {
		code: "FAILED_PRECONDITION",
		message: (m: { container: string; problem: string }) =>
			`The root file system of container ${m.container} cannot be made: ${m.problem}.`,
	},
	CONTAINER_RUNNING: {
		code: "FAILED_PRECONDITION",
		message: (m: { container: string }) => `Container ${m.container} runs.`,
		help: (m) => `Stop it with \`wharf stop ${m.container}\`, or remove it with \`wharf rm -f ${m.container}\`.`,
	},
	CONTAINER_NOT_RUNNING: {
		code: "FAILED_PRECONDITION",
		message: (m: { container: string }) => `Container ${m.container} does not run.`,
		help: (m) => `Start it with \`wharf start ${m.container}\`.`,
	},
	CONTAINER_REMOVING: {
		code: "FAILED_PRECONDITION",
		message: (m: { container: string }) => `Container ${m.container} is being removed.`,
	},
	ALREADY_CONNECTED: {
		code: "ALREADY_EXISTS",
		message: (m: { container: string; network: string }) =>
			`Container ${m.container} is on network ${m.network} already.`,
		help: (m) => `Take it off first: \`wharf network disconnect ${m.network} ${m.container}\`.`,
	},
	NOT_CONNECTED: {
		code: "NOT_FOUND",
		message: (m: { container: string; network: string }) => `Container ${m.container} is not on network ${m.network}.`,
		help: (m) => `\`wharf inspect ${m.container}\` shows its networks.`,
	},
	NO_EXEC_SPEC: {
		code: "INVALID_ARGUMENT",
		message: () => "The first message of Exec has to say which process to run.",
	},
	NO_STOPPING: {
		code: "DEADLINE_EXCEEDED",
		message: (m: { container: string }) => `The process of container ${m.container} does not end, even by SIGKILL.`,
		help: () => "It waits in the kernel, most likely for a disk or a network file system.",
	},
	END_NOT_STORED: {
		code: "RESOURCE_EXHAUSTED",
		message: (m: { container: string; gone: string; folder: string; problem: string }) =>
			`Container ${m.container} is stopped and its ${m.gone} gone, but that cannot be stored: ${m.problem}.`,
		help: (m) => `Make room in ${m.folder}: wharf stores it within seconds, and the command can be repeated then.`,
	},
});
