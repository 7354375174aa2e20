/** What volumed refuses. The contract's error tables (proto/wharf/volume/v1) repeat this for other languages. */
import { catalogue } from "#lib/fault/catalogue.ts";

export const volumeFaults = catalogue("volumed", {
	INVALID_NAME: {
		code: "INVALID_ARGUMENT",
		message: (m: { name: string; problem: string }) =>
			`${JSON.stringify(m.name)} is no name of a volume: ${m.problem}.`,
		help: () => "Two characters or more of letters, digits, `_`, `.` and `-`; a host directory is an absolute path.",
	},
	UNKNOWN_DRIVER: {
		code: "INVALID_ARGUMENT",
		message: (m: { driver: string; known: string }) => `There is no volume driver ${m.driver}; there is ${m.known}.`,
	},
	UNKNOWN_OPTION: {
		code: "INVALID_ARGUMENT",
		message: (m: { driver: string; option: string; known: string }) =>
			`The driver ${m.driver} has no option ${m.option}: ${m.known}.`,
		help: () => "Leave it out.",
	},
	INVALID_LABEL: {
		code: "INVALID_ARGUMENT",
		message: (m: { label: string; problem: string }) => `The label ${JSON.stringify(m.label)} ${m.problem}.`,
	},
	VOLUME_EXISTS: {
		code: "ALREADY_EXISTS",
		message: (m: { volume: string; difference: string }) =>
			`The volume ${m.volume} is there already, with ${m.difference}.`,
		help: () => "Choose another name, or remove that volume first.",
	},
	VOLUME_NOT_FOUND: {
		code: "NOT_FOUND",
		message: (m: { volume: string }) => `There is no volume ${m.volume}.`,
		help: () => "`wharf volume ls` lists what there is.",
	},
	VOLUME_IN_USE: {
		code: "FAILED_PRECONDITION",
		message: (m: { volume: string; containers: string }) => `The volume ${m.volume} is in use by ${m.containers}.`,
		help: () => "Remove these containers first.",
	},
	VOLUME_BUSY: {
		code: "FAILED_PRECONDITION",
		message: (m: { volume: string; job: string }) => `A ${m.job} of the volume ${m.volume} is running.`,
		help: () => "Wait for its end, or cancel it.",
	},
	VOLUME_NOT_EMPTY: {
		code: "FAILED_PRECONDITION",
		message: (m: { volume: string }) =>
			`The volume ${m.volume} has content, and it was not said that it may be replaced.`,
		help: () => "Allow it (`--replace`), or restore into another volume.",
	},
	VOLUME_DATA_MISSING: {
		code: "FAILED_PRECONDITION",
		message: (m: { volume: string; path: string }) =>
			`The content of the volume ${m.volume} is gone: there is no ${m.path}.`,
		help: () => "Restore it from a backup, put the directory back, or remove the volume.",
	},
	ALREADY_ATTACHED: {
		code: "ALREADY_EXISTS",
		message: (m: { container: string; holder: string }) =>
			`${m.container} of ${m.holder} is attached already, with other mounts.`,
		help: () => "Detach it first.",
	},
	INVALID_DESTINATION: {
		code: "INVALID_ARGUMENT",
		message: (m: { destination: string; problem: string }) =>
			`${JSON.stringify(m.destination)} cannot be mounted on: ${m.problem}.`,
	},
	DUPLICATE_DESTINATION: {
		code: "INVALID_ARGUMENT",
		message: (m: { destination: string }) => `Two mounts have the destination ${m.destination}.`,
		help: () => "Drop one of them.",
	},
	SOURCE_MISSING: {
		code: "INVALID_ARGUMENT",
		message: (m: { destination: string }) => `The mount at ${m.destination} does not say what is mounted.`,
		help: () => "Give a volume, a path of the host, or tmpfs.",
	},
	SOURCE_NOT_FOUND: {
		code: "INVALID_ARGUMENT",
		message: (m: { path: string }) => `The host has no ${m.path} to mount.`,
		help: () => "Make it first; `-v` makes a missing directory by itself, `--mount` does not.",
	},
	INVALID_SOURCE: {
		code: "INVALID_ARGUMENT",
		message: (m: { path: string; problem: string }) => `${JSON.stringify(m.path)} cannot be mounted: ${m.problem}.`,
	},
	INVALID_OPTION: {
		code: "INVALID_ARGUMENT",
		message: (m: { option: string; value: string; allowed: string }) =>
			`${m.option} is ${m.value}; allowed is ${m.allowed}.`,
	},
	INVALID_IDENTIFIER: {
		code: "INVALID_ARGUMENT",
		message: (m: { what: string; allowed: string }) => `The ${m.what} is missing or malformed: it is ${m.allowed}.`,
	},
	INVALID_PAGE_TOKEN: {
		code: "INVALID_ARGUMENT",
		message: () => "The page token is not one that volumed gave.",
		help: () => "Begin again without a token.",
	},
	INVALID_PATH: {
		code: "INVALID_ARGUMENT",
		message: (m: { path: string; problem: string }) => `${JSON.stringify(m.path)} cannot be used: ${m.problem}.`,
	},
	FILE_EXISTS: {
		code: "ALREADY_EXISTS",
		message: (m: { path: string }) => `${m.path} is there already.`,
		help: () => "Choose another path, or allow it to be replaced (`--force`).",
	},
	DISK_FULL: {
		code: "RESOURCE_EXHAUSTED",
		message: (m: { path: string; problem: string }) => `The file system of ${m.path} is full: ${m.problem}.`,
		help: () => "Make room and try again; nothing was changed.",
	},
	KERNEL_REFUSED: {
		code: "INTERNAL",
		message: (m: { what: string; problem: string }) => `${m.what} was refused by the kernel: ${m.problem}.`,
	},
	ARCHIVER_FAILED: {
		code: "INTERNAL",
		message: (m: { program: string; words: string }) => `${m.program} failed: ${m.words}`,
		help: () => "Nothing was changed.",
	},
	COPY_FAILED: {
		code: "INTERNAL",
		message: (m: { volume: string; words: string }) =>
			`The volume ${m.volume} could not be filled from the image: ${m.words}`,
	},
	ARCHIVE_CORRUPT: {
		code: "DATA_LOSS",
		message: (m: { problem: string }) => `The archive is damaged: ${m.problem}.`,
		help: () => "Use another copy; the volume is as it was.",
	},
	MANIFEST_MISMATCH: {
		code: "DATA_LOSS",
		message: (m: { problem: string }) => `The archive differs from its manifest: ${m.problem}.`,
		help: () => "Use another copy; the volume is as it was.",
	},
	ENTRY_REFUSED: {
		code: "INVALID_ARGUMENT",
		message: (m: { entry: string; why: string }) =>
			`The archive's entry ${JSON.stringify(m.entry)} is refused: ${m.why}.`,
		help: () => "The volume is as it was.",
	},
	INVALID_STREAM: {
		code: "INVALID_ARGUMENT",
		message: (m: { problem: string }) => `The restore cannot begin: ${m.problem}.`,
	},
	JOB_RUNNING: {
		code: "FAILED_PRECONDITION",
		message: (m: { requestId: string }) => `The request ${m.requestId} is running and its bytes go to somebody else.`,
		help: () => "Wait for its end, or use another request id.",
	},
});
