/** All commands by name, each loaded when it is called: a command pays for its own imports only. */
import type { Command } from "./syntax/command.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- commands of different flags side by side; each checks its own.
type Loaded = { readonly default: Command<any> };

export interface Entry {
	readonly summary: string;
	readonly load: () => Promise<Loaded>;
	/** Under which head `wharf --help` shows it. */
	readonly group: (typeof GROUPS)[number];
}

export const GROUPS = ["Control plane", "Containers", "Networks", "Names", "Volumes"] as const;

const entry = (group: Entry["group"], summary: string, load: () => Promise<Loaded>): Entry => ({
	group,
	summary,
	load,
});

export const COMMANDS: Readonly<Record<string, Entry>> = {
	up: entry("Control plane", "Start the services and wait until they answer", () => import("./commands/up.ts")),
	down: entry(
		"Control plane",
		"Stop the services; with --all, leave nothing behind",
		() => import("./commands/down.ts"),
	),
	status: entry("Control plane", "Show the services and how they are", () => import("./commands/status.ts")),
	doctor: entry(
		"Control plane",
		"Say what on this host keeps traffic from passing, and what to do",
		() => import("./commands/doctor.ts"),
	),
	events: entry("Control plane", "Follow what happens", () => import("./commands/events.ts")),
	demo: entry("Control plane", "The tour: everything once, with times", () => import("./commands/demo.ts")),

	run: entry("Containers", "Make a container and start it", () => import("./commands/run.ts")),
	create: entry("Containers", "Make a container", () => import("./commands/create.ts")),
	start: entry("Containers", "Start containers", () => import("./commands/start.ts")),
	stop: entry("Containers", "Stop containers", () => import("./commands/stop.ts")),
	rm: entry("Containers", "Remove containers", () => import("./commands/rm.ts")),
	ps: entry("Containers", "List containers", () => import("./commands/ps.ts")),
	logs: entry("Containers", "Print what a container wrote", () => import("./commands/logs.ts")),
	exec: entry("Containers", "Run another program in a container", () => import("./commands/exec.ts")),
	inspect: entry(
		"Containers",
		"Everything known about containers, networks or volumes",
		() => import("./commands/inspect.ts"),
	),
	port: entry("Containers", "Show the published ports of a container", () => import("./commands/port.ts")),
	wait: entry(
		"Containers",
		"Wait until containers end and print their exit status",
		() => import("./commands/wait.ts"),
	),

	"network create": entry("Networks", "Make a network", () => import("./commands/network-create.ts")),
	"network ls": entry("Networks", "List networks", () => import("./commands/network-ls.ts")),
	"network inspect": entry(
		"Networks",
		"Everything known about networks",
		() => import("./commands/network-inspect.ts"),
	),
	"network connect": entry("Networks", "Join a container to a network", () => import("./commands/network-connect.ts")),
	"network disconnect": entry(
		"Networks",
		"Take a container off a network",
		() => import("./commands/network-disconnect.ts"),
	),
	"network rm": entry("Networks", "Remove networks", () => import("./commands/network-rm.ts")),

	"dns log": entry("Names", "Follow what containers ask", () => import("./commands/dns-log.ts")),
	"dns status": entry("Names", "What is answered, and how often", () => import("./commands/dns-status.ts")),
	"dns lookup": entry("Names", "What a container would be answered", () => import("./commands/dns-lookup.ts")),
	"dns flush": entry("Names", "Forget the answers of upstream resolvers", () => import("./commands/dns-flush.ts")),

	"volume create": entry("Volumes", "Make a volume", () => import("./commands/volume-create.ts")),
	"volume ls": entry("Volumes", "List volumes", () => import("./commands/volume-ls.ts")),
	"volume inspect": entry("Volumes", "Everything known about volumes", () => import("./commands/volume-inspect.ts")),
	"volume update": entry("Volumes", "Change the labels of a volume", () => import("./commands/volume-update.ts")),
	"volume rename": entry("Volumes", "Give a volume another name", () => import("./commands/volume-rename.ts")),
	"volume publish": entry(
		"Volumes",
		"Show a volume at a path of this host",
		() => import("./commands/volume-publish.ts"),
	),
	"volume unpublish": entry(
		"Volumes",
		"Take a volume away from a path of this host",
		() => import("./commands/volume-unpublish.ts"),
	),
	"volume mount": entry(
		"Volumes",
		"Mount something into a running container",
		() => import("./commands/volume-mount.ts"),
	),
	"volume unmount": entry(
		"Volumes",
		"Take away what was mounted into a container",
		() => import("./commands/volume-unmount.ts"),
	),
	"volume rm": entry("Volumes", "Remove volumes and what is in them", () => import("./commands/volume-rm.ts")),
	"volume prune": entry("Volumes", "Remove volumes that nobody uses", () => import("./commands/volume-prune.ts")),
	"volume backup": entry(
		"Volumes",
		"Archive volumes into tar files, verified",
		() => import("./commands/volume-backup.ts"),
	),
	"volume restore": entry(
		"Volumes",
		"Fill a volume from an archive, verified",
		() => import("./commands/volume-restore.ts"),
	),
	"volume verify": entry(
		"Volumes",
		"Check an archive, and compare it with a volume",
		() => import("./commands/volume-verify.ts"),
	),
	"volume clone": entry("Volumes", "Copy a volume into another one", () => import("./commands/volume-clone.ts")),
};

/** Docker's longer spellings. */
export const ALIASES: Readonly<Record<string, string>> = {
	"network list": "network ls",
	"network remove": "network rm",
	"volume list": "volume ls",
	"volume remove": "volume rm",
	"volume umount": "volume unmount",
	"container run": "run",
	"container create": "create",
	"container start": "start",
	"container stop": "stop",
	"container rm": "rm",
	"container ls": "ps",
	"container logs": "logs",
	"container exec": "exec",
	"container inspect": "inspect",
	"container port": "port",
	"container wait": "wait",
};

export type Found =
	| { readonly kind: "command"; readonly name: string; readonly entry: Entry; readonly args: readonly string[] }
	/** `wharf`, `wharf --help`, `wharf network --help`: the list, of all or of those that begin so. */
	| { readonly kind: "list"; readonly prefix: string }
	| { readonly kind: "unknown"; readonly words: readonly string[] };

export function find(args: readonly string[]): Found {
	const [first = "", second = ""] = args;
	for (const [words, used] of [
		[`${first} ${second}`, 2],
		[first, 1],
	] as const) {
		const name = ALIASES[words] ?? words;
		const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
		if (entry !== undefined) return { kind: "command", name, entry, args: args.slice(used) };
	}
	if (first === "help" && second !== "") return helpOn(args.slice(1));
	if (first === "" || isHelp(first)) return { kind: "list", prefix: "" };
	const isGroup = [...Object.keys(COMMANDS), ...Object.keys(ALIASES)].some((name) => name.startsWith(`${first} `));
	if (isGroup && (second === "" || isHelp(second))) return { kind: "list", prefix: `${first} ` };
	const words = first.startsWith("-")
		? [first]
		: [first, second].filter((word) => word !== "" && !word.startsWith("-"));
	return { kind: "unknown", words };
}

/** `wharf help run` is `wharf run --help`. */
function helpOn(words: readonly string[]): Found {
	const found = find(words);
	return found.kind === "command" ? { ...found, args: ["--help"] } : found;
}

function isHelp(word: string): boolean {
	return word === "--help" || word === "-h" || word === "help";
}
