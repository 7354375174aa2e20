/**
 * What users and their programs do in an afternoon, in parts: every kind of resource used and ended, refusals that are taken back,
 * and peers that are away. Between them they pass every kill point that a service passes while it runs.
 */
import { mkdir, rm, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Host } from "../support/host.ts";
import { kill } from "../support/services.ts";
import { letGo, takeIn } from "./namespaces.ts";
import { perform } from "./operations.ts";
import { loseLeg, publish, unpublish } from "./ports.ts";

/** Does something on the host; tells what was wrong, and says nothing of what was well refused. */
export type Step = (host: Host) => Promise<string | undefined>;

export interface Part {
	/** The kill points that it was written for. */
	readonly passes: RegExp;
	readonly steps: readonly Step[];
}

/** A program that runs until it is asked to end. */
const PATIENT = ["sh", "-c", "trap exit TERM; sleep 1000 & wait"];

const wharf =
	(...args: string[]): Step =>
	(host) =>
		perform(host, args);
const program =
	(file: string, ...args: string[]): Step =>
	async (host) => {
		const { exitCode, stderr } = await host.run(file, args);
		return exitCode === 0 ? undefined : `${file} ${args.join(" ")}: exit ${exitCode}: ${stderr}`;
	};

/** The steps at once, while a service neither works nor ends. */
const without =
	(service: string, ...steps: Step[]): Step =>
	async (host) => {
		await kill(host, service, "STOP");
		const problems = await Promise.all(steps.map((step) => step(host)));
		await kill(host, service, "CONT");
		return problems.find((problem) => problem !== undefined);
	};

/** The step while netd finds no folder to pin namespaces in; or `inItsPlace` a file. Nothing may be pinned. */
const withoutNamespaces =
	(step: Step, inItsPlace: boolean): Step =>
	async (host) => {
		const folder = join(host.root, "run/netns");
		await rmdir(folder);
		if (inItsPlace) await writeFile(folder, "");
		const problem = await step(host);
		if (inItsPlace) await rm(folder);
		await mkdir(folder, { recursive: true });
		return problem;
	};

/** Uses of every kind of resource, and their end. */
const AFTERNOON: readonly Step[] = [
	wharf("network", "create", "red"),
	wharf("network", "create", "blue"),
	wharf("volume", "create", "oak"),
	wharf("run", "-d", "--name", "ant", "--network", "red", "-p", "7001:80", "-v", "oak:/data", "host", ...PATIENT),
	wharf("network", "connect", "blue", "ant"),
	publish("blue", 7002),
	unpublish("blue", 7002),
	wharf("volume", "backup", "oak", "-o", "/run/oak.tar"),
	wharf("volume", "restore", "pine", "/run/oak.tar"),
	wharf("network", "disconnect", "blue", "ant"),
	wharf("stop", "-t", "1", "ant"),
	wharf("start", "ant"),
	wharf("rm", "-f", "ant"),
	wharf("network", "rm", "red", "blue"),
	wharf("volume", "rm", "oak", "pine"),
];

/** What else is done with volumes, and a backup and a restore that come to nothing. */
const VOLUMES: readonly Step[] = [
	wharf("volume", "create", "oak"),
	// One made with the container, one that gets what the image has there, one without a name, and a directory of the host's.
	wharf(
		"run",
		"-d",
		"--name",
		"ant",
		"-v",
		"elm:/data",
		"-v",
		"fir:/etc/default",
		"-v",
		"/scratch",
		"host",
		...PATIENT,
	),
	wharf("rm", "-f", "-v", "ant"),
	wharf("run", "--rm", "-v", "oak:/data", "-v", "/run/made/here:/here", "host", "sh", "-c", "echo 1 >/data/one"),
	// What is mounted as long as somebody uses it.
	wharf("volume", "create", "-o", "size=16m", "ivy"),
	wharf("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "fig"),
	wharf("run", "--rm", "-v", "ivy:/data", "-v", "fig:/memory", "host", "sh", "-c", "echo 1 >/data/one"),
	wharf("volume", "rm", "ivy", "fig"),
	wharf("volume", "backup", "oak", "-o", "/run/oak.tar", "-f"),
	wharf("volume", "backup", "oak", "-o", "-"),
	// No file can be made there.
	wharf("volume", "backup", "oak", "-o", "/proc/oak.tar"),
	wharf("volume", "restore", "pine", "/run/oak.tar"),
	wharf("volume", "restore", "pine", "/run/oak.tar", "--replace"),
	// There is none when the backup was cut short.
	program("sh", "-c", "[ ! -e /run/oak.tar ] || head -c 600 /run/oak.tar >/run/cut.tar"),
	wharf("volume", "restore", "yew", "/run/cut.tar"),
	wharf("volume", "rm", "oak", "pine", "elm", "fir"),
];

/** What is refused when half of it is done: by ipamd, by the kernel, by what somebody else has there. */
const REFUSALS: readonly Step[] = [
	withoutNamespaces(wharf("run", "-d", "--name", "bee", "host", ...PATIENT), false),
	wharf("rm", "-f", "bee"),
	withoutNamespaces(wharf("run", "-d", "--name", "cat", "host", ...PATIENT), true),
	wharf("rm", "-f", "cat"),
	wharf("network", "create", "--subnet", "172.30.0.0/24", "red"),
	wharf("network", "create", "--subnet", "172.30.0.0/25", "green"),
	program("ip", "link", "add", "taken", "type", "bridge"),
	wharf("network", "create", "-o", "com.docker.network.bridge.name=taken", "green"),
	program("ip", "link", "delete", "taken"),
	wharf("run", "-d", "--name", "ant", "host", ...PATIENT),
	// The gateway's.
	wharf("network", "connect", "--ip", "172.30.0.1", "red", "ant"),
	wharf("network", "connect", "red", "ant"),
	loseLeg("red"),
	publish("red", 7003),
	wharf("rm", "-f", "ant"),
	wharf("network", "rm", "red"),
];

/** What cannot be taken back at once, for ipamd does not answer. */
const ALONE: readonly Step[] = [
	wharf("network", "create", "red"),
	wharf("run", "-d", "--name", "ant", "host", ...PATIENT),
	without("ipamd", wharf("network", "create", "blue"), wharf("network", "connect", "red", "ant")),
	wharf("rm", "-f", "ant"),
	wharf("network", "rm", "red"),
];

/** Stations on the segment of an interface that the host has for the time; and one without, where the kernel can. */
const MACVLANS: readonly Step[] = [
	program("ip", "link", "add", "eth1", "up", "type", "bridge"),
	wharf("network", "create", "-d", "macvlan", "-o", "parent=eth1", "lan"),
	wharf("run", "-d", "--name", "ant", "--network", "lan", "host", ...PATIENT),
	wharf("network", "disconnect", "lan", "ant"),
	wharf("network", "connect", "lan", "ant"),
	wharf("rm", "-f", "ant"),
	wharf("network", "create", "-d", "macvlan", "alone"),
	wharf("network", "rm", "lan", "alone"),
	program("ip", "link", "delete", "eth1"),
];

/** A namespace of a program's, one that two containers share, and a network from a configuration. */
const BORROWED: readonly Step[] = [
	program("ip", "netns", "add", "theirs"),
	takeIn("theirs"),
	letGo("theirs"),
	program("ip", "netns", "delete", "theirs"),
	wharf("run", "-d", "--name", "ant", "host", ...PATIENT),
	wharf("run", "-d", "--name", "bee", "--network", "container:ant", "host", ...PATIENT),
	wharf("rm", "-f", "bee"),
	wharf("rm", "-f", "ant"),
	wharf("network", "create", "--config-only", "base"),
	wharf("network", "create", "--config-from", "base", "red"),
	wharf("network", "rm", "red", "base"),
];

const MORE: readonly Part[] = [
	{ passes: /namespace\.held$|sandbox\.(?:joined|left)$|network\.configured$/, steps: BORROWED },
	{ passes: /^netd\.(?:macvlan|parent)\./, steps: MACVLANS },
	{ passes: /volumed\./, steps: VOLUMES },
	{ passes: /\.discarded$|sandbox\.parked$/, steps: REFUSALS },
	{ passes: /\.parked$/, steps: ALONE },
];

/** What is done at a visit of a kill point in any case, and what until it is passed. */
export function stepsFor(name: string): { readonly always: readonly Step[]; readonly otherwise: readonly Part[] } {
	const likely = MORE.find(({ passes }) => passes.test(name));
	return { always: [...(likely?.steps ?? []), ...AFTERNOON], otherwise: MORE.filter((part) => part !== likely) };
}
