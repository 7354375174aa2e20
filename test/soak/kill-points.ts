/** Every kill point that the source names, each visited once by an afternoon of commands, with the audit afterwards. */
import { cp, glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { CHECKOUT, Host } from "../support/host.ts";
import { settled } from "../support/services.ts";
import { type Step, stepsFor } from "./afternoon.ts";
import { prepare } from "./aftermath.ts";
import { keepLogs } from "./keep-logs.ts";
import { straysOf } from "./strays.ts";

/** Hosts that are visited side by side: each waits as much as it works. */
const AT_ONCE = 2;

/** Of parents that netd makes: by links that not every kernel has. */
const OF_DUMMIES = ["netd.parent.made", "netd.parent.marked", "netd.parent.up"];

/** netd's own: its kernel test visits each of them, also those of settings that nobody makes in an afternoon. */
export const OF_NETD = /^(netd\.|store\.(network|sandbox|endpoint|ports)\.)/;

/** volumed's, likewise: its kernel tests and `npm run soak -- volumed kills` visit each of them, also those of disks that a host has not. */
const OF_VOLUMED = /^(volumed\.|mount\.|store\.volumed\.)/;

interface Visit {
	readonly wasPassed: boolean;
	readonly strays: readonly string[];
	/** What a command or the program said that it should not have. */
	readonly problems: readonly string[];
}

/** The names, read from the calls in the source. */
export async function killPointNames(): Promise<string[]> {
	const names = new Set<string>();
	for await (const file of glob("{lib,services,gateway}/**/*.ts", { cwd: CHECKOUT })) {
		if (file.endsWith(".test.ts")) continue;
		const source = await readFile(join(CHECKOUT, file), "utf8");
		for (const [, name = ""] of source.matchAll(/killPoint\("([^"]+)"\)/g)) names.add(name);
		// A label of a store's write is a kill point behind its commit.
		for (const [, label = ""] of source.matchAll(/\.(?:write|intend)\([^;]*?,\s*"([a-z-]+\.[a-z.-]+)",?\s*\)/g))
			names.add(`store.${label}`);
	}
	return [...names].sort();
}

/**
 * Visits those whose names contain one of `filters`, or all when there is none. One that no service passes is a problem, unless it is
 * netd's or volumed's, and is named at the end.
 */
export async function visitKillPoints(
	filters: readonly string[],
	report: (problem: string) => void,
	interrupted: AbortSignal,
): Promise<void> {
	const wanted = (name: string): boolean => filters.length === 0 || filters.some((filter) => name.includes(filter));
	await using warm = await bootWarm();
	const unreachable = (await hasDummies(warm)) ? [] : OF_DUMMIES;
	const names = (await killPointNames()).filter((name) => wanted(name) && !unreachable.includes(name));
	const queue = [...names];
	const visits = new Map<string, Visit>();
	const lane = async (): Promise<void> => {
		for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
			const begun = performance.now();
			const found = await visit(name, warm).catch(failed);
			if (interrupted.aborted) return;
			visits.set(name, found);
			const passed = found.wasPassed ? "" : ", not reached: no service died";
			const seconds = Math.round((performance.now() - begun) / 1000);
			console.log(`  kill point ${name}: ${found.strays.length} strays${passed} (${seconds} s)`);
			for (const problem of [...found.strays, ...found.problems]) report(`${name}: ${problem}`);
			if (!found.wasPassed && !OF_NETD.test(name) && !OF_VOLUMED.test(name)) report(`${name}: not reached`);
		}
	};
	await Promise.all(Array.from({ length: AT_ONCE }, lane));
	if (interrupted.aborted) return;
	const missed = names.filter((name) => visits.get(name)?.wasPassed !== true);
	const strays = [...visits.values()].reduce((sum, one) => sum + one.strays.length, 0);
	console.log(`  kill points: ${names.length - missed.length} of ${names.length} visited, ${strays} strays`);
	if (missed.length > 0) console.log(`  not reached by commands: ${missed.join(", ")}`);
}

async function hasDummies(host: Host): Promise<boolean> {
	const { exitCode } = await host.run("ip", ["link", "add", "probe", "type", "dummy"]);
	if (exitCode === 0) await host.ok("ip", ["link", "delete", "probe"]);
	return exitCode === 0;
}

function failed(error: unknown): Visit {
	return { wasPassed: false, strays: [], problems: [wordsOf(error)] };
}

function wordsOf(error: unknown): string {
	return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

async function visit(name: string, warm: Host): Promise<Visit> {
	await using host = await Host.boot();
	await warmUp(host, warm);
	const problems: string[] = [];
	const take = async (steps: readonly Step[]): Promise<void> => {
		for (const step of steps) {
			const problem = await step(host).catch(wordsOf);
			if (problem !== undefined) problems.push(problem);
		}
	};
	const prepared = await prepare(host, name);
	await host.ok(host.program, ["up"], { env: { WHARF_KILL_POINT: name }, timeoutMs: 120_000 });
	await take(prepared);
	// Behind the kill the names are used again: what is left of it is in the way.
	const { always, otherwise } = stepsFor(name);
	await take(always);
	for (const { steps } of otherwise) {
		if (await hasDied(host)) break;
		await take(steps);
	}
	const strays = await straysOf(host);
	if (strays.length + problems.length > 0) await keepLogs(host, name);
	return { wasPassed: await hasDied(host), strays, problems };
}

/** A process dies where its kill point is, and is started again: somebody's count of restarts says so. Nobody else kills any. */
async function hasDied(host: Host): Promise<boolean> {
	await settled(host);
	const lines = (await host.wharfOk("status", "--format", "json")).split("\n");
	return lines.some((line) => (JSON.parse(line) as { readonly Restarts: number }).Restarts > 0);
}

/**
 * A host on which wharf was up once: what Node compiled there is given to the others. Without it most of a visit is compiling the
 * same sources for six programs again.
 */
async function bootWarm(): Promise<Host> {
	const host = await Host.boot();
	await host.wharfOk("up");
	// It is written as the programs end.
	await host.wharfOk("down");
	return host;
}

function warmUp(host: Host, warm: Host): Promise<void> {
	const cache = ({ root }: Host): string => join(root, "run/compile-cache");
	return cp(cache(warm), cache(host), { recursive: true });
}
