/** What the transport itself refuses or reports; everything else is a fault of the service that was asked. */
import { catalogue } from "#lib/fault/catalogue.ts";
import { type Fault, isFault } from "#lib/fault/fault.ts";

export const rpcFaults = catalogue("rpc", {
	INTERNAL: {
		code: "INTERNAL",
		message: (m: { service: string; incident: string }) =>
			`${m.service} met an error that it does not know (incident ${m.incident}).`,
		help: (m) => `Look for ${m.incident} in the log of ${m.service}, and report it: this is a bug.`,
	},
	CANCELLED: {
		code: "CANCELLED",
		message: (m: { method: string }) => `The caller gave up ${m.method} before it was done.`,
	},
	DEADLINE_EXCEEDED: {
		code: "DEADLINE_EXCEEDED",
		message: (m: { method: string }) => `${m.method} was not done within the caller's deadline.`,
		help: () => "Try again, and give it more time if the machine is busy. A program gives the same request id again.",
	},
	SHUTTING_DOWN: {
		code: "UNAVAILABLE",
		message: (m: { service: string }) => `${m.service} is stopping.`,
		help: () => "Try again when it is back; a program gives the same request id again.",
	},
	SERVICE_UNAVAILABLE: {
		code: "UNAVAILABLE",
		message: (m: { service: string; address: string }) =>
			`${m.service} does not answer at ${m.address}: is it running?`,
		help: () => "`wharf up` starts what does not run; `wharf status` shows how the services are.",
	},
	SOCKET_FORBIDDEN: {
		code: "PERMISSION_DENIED",
		message: (m: { service: string; address: string }) => `This user may not open ${m.service}'s socket ${m.address}.`,
		help: () => "Be root, or a member of the group wharf (which is as good as root).",
	},
	NOT_SERVED: {
		code: "UNIMPLEMENTED",
		message: (m: { service: string; address: string; method: string }) =>
			`${m.service} at ${m.address} does not know ${m.method}.`,
		help: () => "Client and service are of different versions: restart the services with `wharf down` and `wharf up`.",
	},
	PEER_FAILED: {
		code: "INTERNAL",
		message: (m: { service: string; method: string; detail: string }) =>
			`${m.service} failed in ${m.method} and did not say why: ${m.detail}`,
	},
	UNKNOWN_METHOD: {
		code: "UNIMPLEMENTED",
		message: (m: { service: string; method: string }) => `${m.service} has no unary method ${m.method}.`,
		help: () => "Client and service are of different versions: restart the services with `wharf down` and `wharf up`.",
	},
	PIPELINE_ID_IN_USE: {
		code: "INVALID_ARGUMENT",
		message: (m: { id: string }) => `The pipeline has another call ${m.id} under way.`,
		help: () => "Number the calls of a stream.",
	},
	MESSAGE_TOO_LARGE: {
		code: "RESOURCE_EXHAUSTED",
		message: (m: { method: string; max: string }) => `A message of ${m.method} is larger than ${m.max} bytes.`,
	},
	INVALID_MESSAGE: {
		code: "INVALID_ARGUMENT",
		message: (m: { method: string; detail: string }) => `What was sent is not a request for ${m.method}: ${m.detail}.`,
		help: () =>
			"Send a message of the service's contract; a value that only a newer contract has needs a newer service.",
	},
	INVALID_REQUEST_ID: {
		code: "INVALID_ARGUMENT",
		message: (m: { length: string }) =>
			`The request id has ${m.length} characters or is not printable: it has to be 1 to 128 printable ASCII characters.`,
		help: () => "Use a UUID, one for each thing to do and the same for each attempt at it.",
	},
	REQUEST_ID_REUSED: {
		code: "INVALID_ARGUMENT",
		message: (m: { method: string; requestId: string }) =>
			`The request id ${m.requestId} was used for another ${m.method} before.`,
		help: () => "Make a new request id for a new request; keep it only to repeat the very same one.",
	},
	ALREADY_RUNNING: {
		code: "FAILED_PRECONDITION",
		message: (m: { service: string; path: string }) =>
			`${m.service} is already running: somebody answers at ${m.path}.`,
		help: () => "Stop it with `wharf down`, or use another WHARF_ROOT.",
	},
	SOCKET_PATH_TAKEN: {
		code: "FAILED_PRECONDITION",
		message: (m: { path: string }) => `${m.path} exists and is not a socket.`,
		help: () => "Move it away: wharf does not remove what it has not made.",
	},
	SOCKET_PATH_TOO_LONG: {
		code: "INVALID_ARGUMENT",
		message: (m: { path: string; max: string }) =>
			`The socket path ${m.path} is longer than the ${m.max} bytes that the kernel takes.`,
		help: () => "Choose a shorter WHARF_ROOT.",
	},
	GROUP_UNKNOWN: {
		code: "INVALID_ARGUMENT",
		message: (m: { group: string }) => `There is no group ${m.group} in /etc/group.`,
		help: (m) => `Make it with \`groupadd --system ${m.group}\`.`,
	},
	LISTEN_FAILED: {
		code: "FAILED_PRECONDITION",
		message: (m: { address: string; detail: string }) => `Cannot listen at ${m.address}: ${m.detail}.`,
	},
	TLS_FILE_UNREADABLE: {
		code: "FAILED_PRECONDITION",
		message: (m: { path: string; detail: string }) => `Cannot read ${m.path} for TLS: ${m.detail}.`,
	},
});

/** A service does not answer, or is stopping: one that is started again is there in a moment. */
export function isAway(error: unknown): error is Fault {
	return isFault(error, "SERVICE_UNAVAILABLE") || isFault(error, "SHUTTING_DOWN");
}
