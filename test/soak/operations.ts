/** What a user might do next, chosen at random among few names, so that they collide. */
import type { Host } from "../support/host.ts";
import type { Random } from "./random.ts";

const NAMES = ["ant", "bee", "cat", "dog", "elk", "fox"];
const NETWORKS = ["red", "green", "blue"];
const VOLUMES = ["oak", "pine"];

type Operation = (random: Random) => string[];

const run: Operation = (random) => {
	const ports = random.next() < 0.5 ? ["-p", `${7000 + random.below(8)}:80`] : [];
	const mounts = random.next() < 0.3 ? ["-v", `${random.pick(VOLUMES)}:/data`] : [];
	const network = random.pick([...NETWORKS, "bridge", "host", "none"]);
	const command = random.pick([["sleep", "1000"], ["true"], ["sh", "-c", "exit 3"]]);
	return ["run", "-d", "--name", random.pick(NAMES), "--network", network, ...ports, ...mounts, "host", ...command];
};

const OPERATIONS: readonly (readonly [number, Operation])[] = [
	[8, run],
	[3, (random) => ["run", "--rm", "--network", random.pick(NETWORKS), "host", "true"]],
	[4, (random) => ["rm", "-f", random.pick(NAMES)]],
	[2, (random) => ["stop", random.pick(NAMES)]],
	[2, (random) => ["start", random.pick(NAMES)]],
	[3, (random) => ["network", "create", random.pick(NETWORKS)]],
	[1, (random) => ["network", "rm", random.pick(NETWORKS)]],
	[3, (random) => ["network", "connect", random.pick(NETWORKS), random.pick(NAMES)]],
	[2, (random) => ["network", "disconnect", random.pick(NETWORKS), random.pick(NAMES)]],
	[1, (random) => ["volume", "create", random.pick(VOLUMES)]],
	[1, (random) => ["volume", "rm", random.pick(VOLUMES)]],
	[1, (random) => ["volume", "backup", random.pick(VOLUMES), "-o", `/run/soak-${random.below(1e9)}.tar`]],
	[1, () => ["ps", "-a"]],
];

const TOTAL = OPERATIONS.reduce((sum, [weight]) => sum + weight, 0);

/** The next command line. */
export function choose(random: Random): string[] {
	let left = random.next() * TOTAL;
	for (const [weight, operation] of OPERATIONS) {
		left -= weight;
		if (left < 0) return operation(random);
	}
	return run(random);
}

/** Runs it. Being refused is fine; a crash of the command line, or more than a few lines, is not. */
export async function perform(host: Host, args: readonly string[]): Promise<string | undefined> {
	const { exitCode, stderr } = await host.wharf(args, { timeoutMs: 90_000 });
	if (exitCode === 0) return undefined;
	const wellSaid = stderr.startsWith("wharf: ") && !/\n\s+at /.test(stderr);
	return wellSaid || args.includes("exit 3") ? undefined : `wharf ${args.join(" ")}: exit ${exitCode}: ${stderr}`;
}
