/** What keeps the control plane from coming up or going down. */
import { catalogue } from "#lib/fault/catalogue.ts";

export const supervisorFaults = catalogue("supervisor", {
	NOT_ROOT: {
		code: "PERMISSION_DENIED",
		message: (m: { command: string }) =>
			`\`wharf ${m.command}\` needs root: it makes network namespaces, mounts and firewall tables.`,
		help: (m) => `Run it as root: \`sudo wharf ${m.command}\`.`,
	},
	ROOT_UNUSABLE: {
		code: "FAILED_PRECONDITION",
		message: (m: { root: string; problem: string }) => `wharf cannot keep its files in ${m.root}: ${m.problem}.`,
		help: () => "WHARF_ROOT names another directory; it has to be writable, on a local file system.",
	},
	ROOT_FULL: {
		code: "RESOURCE_EXHAUSTED",
		message: (m: { root: string }) => `The services do not start: the file system of ${m.root} is full.`,
		help: () => "Make room and run `wharf up` again; nothing is lost.",
	},
	PROGRAMS_MISSING: {
		code: "FAILED_PRECONDITION",
		message: (m: { programs: string; packages: string }) => `These programs are not installed: ${m.programs}.`,
		help: (m) => `Install them: \`apt-get install ${m.packages}\`.`,
	},
	SERVICE_FAILED: {
		code: "FAILED_PRECONDITION",
		message: (m: { service: string; problem: string; log: string }) => `${m.service} does not start: ${m.problem}`,
		help: (m) => `Its log is ${m.log}; mend what it says and run \`wharf up\` again. Nothing was left running.`,
	},
	SUPERVISOR_FAILED: {
		code: "INTERNAL",
		message: (m: { problem: string; log: string }) => `The supervisor ended before the services were up: ${m.problem}`,
		help: (m) => `Its log is ${m.log}.`,
	},
	STILL_MOUNTED: {
		code: "FAILED_PRECONDITION",
		message: (m: { path: string }) => `${m.path} is still mounted, and so no file was removed.`,
		help: (m) => `Unmount it (\`umount ${m.path}\`) and repeat the command.`,
	},
	FILES_LEFT: {
		code: "FAILED_PRECONDITION",
		message: (m: { paths: string; problem: string }) => `Not removed: ${m.paths}: ${m.problem}.`,
	},
	NATS_SILENT: {
		code: "UNAVAILABLE",
		message: (m: { servers: string }) => `NATS does not answer at ${m.servers}.`,
		help: () => "Everything else goes on, and no event is lost: they are published when it is back (`wharf status`).",
	},
	SUPERVISOR_STUCK: {
		code: "DEADLINE_EXCEEDED",
		message: (m: { pid: string }) => `The supervisor (process ${m.pid}) does not end.`,
		help: (m) => `End it with \`kill -9 ${m.pid}\` and run \`wharf down\` again.`,
	},
	NATS_HIDDEN: {
		code: "PERMISSION_DENIED",
		message: () => "This user may not read how the private nats-server is asked.",
		help: () => "Be root.",
	},
	CONTROL_PLANE_DOWN: {
		code: "UNAVAILABLE",
		message: () => "The control plane is down.",
		help: () => "Start it with `wharf up`.",
	},
});
