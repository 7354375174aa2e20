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
		help: () => "A plugin listens on a socket of its name where Docker's plugins do, as /run/docker/plugins/NAME.sock.",
	},
	UNKNOWN_OPTION: {
		code: "INVALID_ARGUMENT",
		message: (m: { driver: string; option: string; nearest: string; known: string }) =>
			`The driver ${m.driver} has no option ${JSON.stringify(m.option)}${m.nearest === "" ? "." : `; did you mean ${m.nearest}?`} It has ${m.known}.`,
	},
	DRIVER_FAILED: {
		code: "UNAVAILABLE",
		message: (m: { driver: string; act: string; problem: string }) =>
			`The volume driver ${m.driver} failed at ${m.act}: ${m.problem}.`,
		help: () => "See that the plugin runs, and try again.",
	},
	MOUNT_FAILED: {
		code: "FAILED_PRECONDITION",
		message: (m: { volume: string; problem: string }) => `The volume ${m.volume} cannot be mounted: ${m.problem}.`,
		help: () => "Correct its options, or see that its server can be reached; nothing is mounted.",
	},
	INVALID_MOUNT: {
		code: "INVALID_ARGUMENT",
		message: (m: { text: string; problem: string }) => `${JSON.stringify(m.text)} is no mount: ${m.problem}.`,
	},
	UNKNOWN_MOUNT_OPTION: {
		code: "INVALID_ARGUMENT",
		message: (m: { text: string; option: string; nearest: string }) =>
			`${JSON.stringify(m.text)} is no mount: there is no option ${JSON.stringify(m.option)}${m.nearest === "" ? "." : `; did you mean ${m.nearest}?`}`,
	},
	SUBPATH_REFUSED: {
		code: "FAILED_PRECONDITION",
		message: (m: { subpath: string; origin: string; problem: string }) =>
			`The part ${JSON.stringify(m.subpath)} of ${m.origin} cannot be mounted: ${m.problem}.`,
		help: () => "Name a file or directory that is there, by a path without symlinks.",
	},
	CANNOT_MAP_OWNERS: {
		code: "FAILED_PRECONDITION",
		message: (m: { path: string; problem: string }) => `Owners cannot be mapped at ${m.path}: ${m.problem}.`,
		help: () => "Leave the mapping out, or put the content on a file system that has idmapped mounts.",
	},
	PROCESS_NOT_FOUND: {
		code: "FAILED_PRECONDITION",
		message: (m: { pid: string }) => `There is no process ${m.pid} to mount into.`,
		help: () => "Start the container first.",
	},
	DESTINATION_UNFIT: {
		code: "FAILED_PRECONDITION",
		message: (m: { destination: string; problem: string }) =>
			`Nothing can be mounted at ${m.destination} of the process: ${m.problem}.`,
		help: () => "Choose another destination.",
	},
	DESTINATION_IS_FILE: {
		code: "FAILED_PRECONDITION",
		message: (m: { destination: string }) =>
			`The image has a file at ${m.destination}, where a volume is to be mounted.`,
		help: () => "Choose another destination.",
	},
	ALREADY_MOUNTED: {
		code: "ALREADY_EXISTS",
		message: (m: { destination: string; container: string }) =>
			`Something is mounted at ${m.destination} of ${m.container} already.`,
		help: () => "Unmount it first.",
	},
	ALREADY_PUBLISHED: {
		code: "ALREADY_EXISTS",
		message: (m: { path: string; volume: string }) => `The volume ${m.volume} is published at ${m.path} already.`,
		help: () => "Unpublish it first, or choose another path.",
	},
	ATTACHMENT_NOT_FOUND: {
		code: "NOT_FOUND",
		message: (m: { container: string; holder: string }) => `${m.holder} has attached no container ${m.container}.`,
		help: () => "Attach it first.",
	},
	SOURCE_NOT_SHARED: {
		code: "FAILED_PRECONDITION",
		message: (m: { path: string; propagation: string }) =>
			`${m.path} is not on a mount that is shared, which the propagation ${m.propagation} needs.`,
		help: () => "`mount --make-shared` makes it so.",
	},
	NAME_TAKEN: {
		code: "ALREADY_EXISTS",
		message: (m: { volume: string }) => `There is a volume ${m.volume} already.`,
		help: () => "Choose another name.",
	},
	CANNOT_RENAME: {
		code: "FAILED_PRECONDITION",
		message: (m: { volume: string; driver: string }) =>
			`The volume ${m.volume} is one of the driver ${m.driver}, which gives no other names.`,
		help: () => "Make another volume with the same options.",
	},
	INVALID_FILTER: {
		code: "INVALID_ARGUMENT",
		message: (m: { filter: string; problem: string }) => `${JSON.stringify(m.filter)} is no filter: ${m.problem}.`,
	},
	INVALID_PATTERN: {
		code: "INVALID_ARGUMENT",
		message: (m: { pattern: string; problem: string }) =>
			`${JSON.stringify(m.pattern)} is no pattern for paths: ${m.problem}.`,
		help: () => "As in .gitignore: `*.log`, `cache/`, `/data/**/tmp`; `\\` quotes a character.",
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
		help: () =>
			"Remove these containers, or take away what is published at these paths (`wharf volume unpublish`), first.",
	},
	VOLUME_BUSY: {
		code: "FAILED_PRECONDITION",
		message: (m: { volume: string; job: string }) => `A ${m.job} of the volume ${m.volume} is running.`,
		help: () => "Wait for its end, or end the command that began it (Ctrl-C).",
	},
	VOLUME_NOT_EMPTY: {
		code: "FAILED_PRECONDITION",
		message: (m: { volume: string }) =>
			`The volume ${m.volume} has content, and it was not said that it may be replaced.`,
		help: () => "Allow it (`--replace`), or restore into another volume.",
	},
	CANNOT_RESTORE: {
		code: "FAILED_PRECONDITION",
		message: (m: { volume: string; problem: string }) =>
			`Nothing can be brought into the volume ${m.volume}: ${m.problem}.`,
		help: () => "Choose another volume.",
	},
	DIRECTORY_IN_THE_WAY: {
		code: "FAILED_PRECONDITION",
		message: (m: { entry: string }) =>
			`The archive's entry ${JSON.stringify(m.entry)} cannot be merged: the volume has a directory with content of that name.`,
		help: () => "Move the directory away, or replace the content (`--replace`); the volume is as it was.",
	},
	SUBPATH_MISSING: {
		code: "INVALID_ARGUMENT",
		message: (m: { subpath: string }) => `The archive has no directory ${JSON.stringify(m.subpath)}.`,
		help: () => "`tar -t` lists what it has; the volume is as it was.",
	},
	NOTHING_LEFT: {
		code: "INVALID_ARGUMENT",
		message: (m: { entries: number; strip: number }) =>
			`Nothing is left of the archive's entries, ${m.entries} in all, when so many leading parts of each name are dropped: ${m.strip}.`,
		help: () => "Drop fewer (`--strip-components`); `tar -t` lists what it has. The volume is as it was.",
	},
	RESTORE_UNFINISHED: {
		code: "UNAVAILABLE",
		message: (m: { volume: string; problem: string }) =>
			`What was restored into the volume ${m.volume} is not all in its place yet: ${m.problem}.`,
		help: () => "It is gone on with by itself; until then nobody can use the volume, but remove it.",
	},
	STAGE_CHANGED: {
		code: "FAILED_PRECONDITION",
		message: (m: { path: string; problem: string }) =>
			`Somebody else has changed what was to be brought into ${m.path}: ${m.problem}.`,
		help: () => "See who else writes to the volume, look whether its content is whole, and begin again.",
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
		message: (m: { path: string; words: string }) => `${m.path} could not be filled from the image: ${m.words}`,
	},
	ARCHIVE_CORRUPT: {
		code: "DATA_LOSS",
		message: (m: { problem: string }) => `The archive is damaged: ${m.problem}.`,
		help: () => "Use another copy; nothing was changed.",
	},
	NOT_A_TAR: {
		code: "INVALID_ARGUMENT",
		message: (m: { what: string; how: string }) =>
			`This is no tar archive, alone or compressed with zstd or gzip: ${m.what}.`,
		help: (m) =>
			m.how === ""
				? "Nothing was changed; if this was an archive, use another copy."
				: `Make one of it: \`${m.how} | wharf volume restore VOLUME -\`. Nothing was changed.`,
	},
	MANIFEST_MISMATCH: {
		code: "DATA_LOSS",
		message: (m: { problem: string }) => `The archive differs from its manifest: ${m.problem}.`,
		help: () => "Use another copy; nothing was changed.",
	},
	ARCHIVE_EXPANDS: {
		code: "INVALID_ARGUMENT",
		message: (m: { times: number }) =>
			`The archive becomes more than ${m.times} times as long as it is stored, and it is not known as one that was made here.`,
		help: () =>
			"Nothing was changed. If you trust the archive, allow more (`--max-expansion`). One that was made here needs that only from standard input, where its length is not known.",
	},
	ENTRY_REFUSED: {
		code: "INVALID_ARGUMENT",
		message: (m: { entry: string; why: string }) => `The entry ${JSON.stringify(m.entry)} is refused: ${m.why}.`,
		help: () => "Nothing was changed.",
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
