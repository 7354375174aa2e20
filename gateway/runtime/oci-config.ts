/**
 * A container's config.json as runc reads it. Pure.
 *
 * Source: opencontainers/runtime-spec config.md, config-linux.md; the defaults are Docker's (moby `oci/defaults.go`, `oci/caps`).
 */
interface OciMount {
	readonly destination: string;
	readonly type: string;
	readonly source: string;
	readonly options: readonly string[];
}

export interface OciInput {
	readonly id: string;
	readonly command: readonly string[];
	/** As `KEY=value`; PATH and HOSTNAME are added when they are not there. */
	readonly environment: readonly string[];
	readonly hostname: string;
	/** The kernel's NIS domain name; empty: none. */
	readonly domainname: string;
	readonly rootfs: string;
	/** Undefined: the host's network. */
	readonly netnsPath: string | undefined;
	/** Host paths that are empty inside, whatever the root file system has there. */
	readonly hidden: readonly string[];
	/** Generated files by their place inside; one of the user's mounts at the same place wins. */
	readonly files: ReadonlyMap<string, string>;
	/** How many files it may open at most; no more than who starts it may. */
	readonly openFiles: number;
	/** The user's, outer before inner. */
	readonly mounts: readonly OciMount[];
}

export interface OciConfig {
	readonly ociVersion: string;
	readonly process: {
		readonly args: readonly string[];
		readonly env: readonly string[];
		readonly cwd: string;
		readonly [more: string]: unknown;
	};
	readonly root: { readonly path: string; readonly readonly: boolean };
	readonly hostname: string;
	readonly mounts: readonly OciMount[];
	readonly linux: {
		readonly namespaces: readonly { readonly type: string; readonly path?: string }[];
		readonly [more: string]: unknown;
	};
}

export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** As systemd has it: programs that close every descriptor they might have go by the soft limit. */
const SOFT_OPEN_FILES = 1024;

const CAPABILITIES = [
	"AUDIT_WRITE",
	"CHOWN",
	"DAC_OVERRIDE",
	"FOWNER",
	"FSETID",
	"KILL",
	"MKNOD",
	"NET_BIND_SERVICE",
	"NET_RAW",
	"SETFCAP",
	"SETGID",
	"SETPCAP",
	"SETUID",
	"SYS_CHROOT",
].map((name) => `CAP_${name}`);

const KERNEL_MOUNTS: readonly OciMount[] = [
	{ destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
	{
		destination: "/dev",
		type: "tmpfs",
		source: "tmpfs",
		options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
	},
	{
		destination: "/dev/pts",
		type: "devpts",
		source: "devpts",
		options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
	},
	{
		destination: "/dev/shm",
		type: "tmpfs",
		source: "shm",
		options: ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
	},
	{ destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"] },
	{ destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"] },
];
/** sysfs shows the network namespace of who mounts it, and the host's may not be mounted anew by another user namespace. */
const HOST_SYSFS: OciMount = { destination: "/sys", type: "bind", source: "/sys", options: ["rbind", "ro"] };

const MASKED_PATHS = [
	"/proc/asound",
	"/proc/acpi",
	"/proc/interrupts",
	"/proc/kcore",
	"/proc/keys",
	"/proc/latency_stats",
	"/proc/timer_list",
	"/proc/timer_stats",
	"/proc/sched_debug",
	"/proc/scsi",
	"/sys/firmware",
	"/sys/devices/virtual/powercap",
];

const READONLY_PATHS = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

export function cgroupPath(id: string): string {
	return `/wharf/${id}`;
}

export function ociConfig(input: OciInput): OciConfig {
	const { id, command, hostname, rootfs, netnsPath, openFiles } = input;
	const sysctl = sysctlOf(input);
	return {
		ociVersion: "1.0.2",
		process: {
			terminal: false,
			user: { uid: 0, gid: 0 },
			args: command,
			env: environment(input),
			cwd: "/",
			capabilities: { bounding: CAPABILITIES, effective: CAPABILITIES, permitted: CAPABILITIES },
			rlimits: [{ type: "RLIMIT_NOFILE", soft: Math.min(SOFT_OPEN_FILES, openFiles), hard: openFiles }],
			noNewPrivileges: false,
		},
		root: { path: rootfs, readonly: false },
		hostname,
		mounts: mountsOf(input),
		linux: {
			cgroupsPath: cgroupPath(id),
			namespaces: [
				...["pid", "ipc", "uts", "mount"].map((type) => ({ type })),
				...(netnsPath === undefined ? [] : [{ type: "network", path: netnsPath }]),
			],
			// runc adds the harmless devices (null, zero, full, random, urandom, tty, ptmx, pts) to what is allowed.
			resources: { devices: [{ allow: false, access: "rwm" }] },
			...(Object.keys(sysctl).length === 0 ? {} : { sysctl }),
			maskedPaths: MASKED_PATHS,
			readonlyPaths: READONLY_PATHS,
		},
	};
}

/** The specification's own field for the domain is not known to every runc; this has the same effect. */
function sysctlOf({ netnsPath, domainname }: OciInput): Record<string, string> {
	return {
		...(netnsPath === undefined ? {} : { "net.ipv4.ip_unprivileged_port_start": "0" }),
		...(domainname === "" ? {} : { "kernel.domainname": domainname }),
	};
}

function environment({ environment: given, hostname }: OciInput): string[] {
	const has = (name: string): boolean => given.some((entry) => entry.startsWith(`${name}=`));
	return [
		...(has("PATH") ? [] : [`PATH=${DEFAULT_PATH}`]),
		...(has("HOSTNAME") ? [] : [`HOSTNAME=${hostname}`]),
		...given,
	];
}

/** The kernel's first, then what is hidden, then the generated files, then the user's: later ones cover earlier ones. */
function mountsOf({ netnsPath, hidden, files, mounts }: OciInput): OciMount[] {
	const taken = new Set(mounts.map(({ destination }) => destination));
	return [
		...KERNEL_MOUNTS.map((mount) => (mount.destination === "/sys" && netnsPath === undefined ? HOST_SYSFS : mount)),
		...hidden.map((destination) => ({
			destination,
			type: "tmpfs",
			source: "tmpfs",
			options: ["ro", "nosuid", "nodev", "noexec", "size=4k", "mode=700"],
		})),
		...[...files]
			.filter(([destination]) => !taken.has(destination))
			.map(([destination, source]) => ({ destination, type: "bind", source, options: ["rbind", "rprivate"] })),
		...mounts,
	];
}
