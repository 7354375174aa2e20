/** Every kill point that the source names, each visited once by the same afternoon of commands, with the audit afterwards. */
import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { audit } from "../support/audit/audit.ts";
import { eventually } from "../support/eventually.ts";
import { CHECKOUT, Host } from "../support/host.ts";
import { settled } from "../support/services.ts";
import { perform } from "./operations.ts";

/** Uses of every kind of resource, and their end. */
const AFTERNOON: readonly string[][] = [
	["network", "create", "red"],
	["network", "create", "blue"],
	["volume", "create", "oak"],
	["run", "-d", "--name", "ant", "--network", "red", "-p", "7001:80", "-v", "oak:/data", "host", "sleep", "1000"],
	["network", "connect", "blue", "ant"],
	["volume", "backup", "oak", "-o", "/run/oak.tar"],
	["volume", "restore", "pine", "/run/oak.tar"],
	["network", "disconnect", "blue", "ant"],
	["stop", "-t", "1", "ant"],
	["start", "ant"],
	["rm", "-f", "ant"],
	["network", "rm", "red", "blue"],
	["volume", "rm", "oak", "pine"],
];

/** The names, read from the calls in the source. */
export async function killPointNames(): Promise<string[]> {
	const names = new Set<string>();
	for await (const file of glob("{lib,services,gateway}/**/*.ts", { cwd: CHECKOUT })) {
		if (file.endsWith(".test.ts")) continue;
		const source = await readFile(join(CHECKOUT, file), "utf8");
		for (const [, name = ""] of source.matchAll(/killPoint\("([^"]+)"\)/g)) names.add(name);
		// A label of a store's write is a kill point behind its commit.
		for (const [, label = ""] of source.matchAll(/\.write\([^;]*?,\s*"([a-z-]+\.[a-z.-]+)",?\s*\)/g))
			names.add(`store.${label}`);
	}
	return [...names].sort();
}

/** Visits those whose names contain one of `filters`, or all when there is none. */
export async function visitKillPoints(filters: readonly string[], report: (problem: string) => void): Promise<void> {
	const wanted = (name: string): boolean => filters.length === 0 || filters.some((filter) => name.includes(filter));
	for (const name of (await killPointNames()).filter(wanted)) {
		await using host = await Host.boot();
		await host.ok(host.program, ["up"], { env: { WHARF_KILL_POINT: name }, timeoutMs: 120_000 });
		for (const args of AFTERNOON) {
			const problem = await perform(host, args);
			if (problem !== undefined) report(`${name}: ${problem}`);
		}
		await settled(host);
		let strays: string[] = [];
		await eventually(async () => {
			strays = await audit(host);
			if (strays.length > 0) throw new Error("strays");
		}, 20_000).catch(() => undefined);
		for (const stray of strays) report(`${name}: ${stray}`);
		const passed = (await wasPassed(host)) ? "" : ", not reached: no service died";
		console.log(`  kill point ${name}: ${strays.length} strays${passed}`);
	}
}

/** A process dies where its kill point is, and is started again: somebody's count of restarts says so. */
async function wasPassed(host: Host): Promise<boolean> {
	const lines = (await host.wharfOk("status", "--format", "json")).split("\n");
	return lines.some((line) => (JSON.parse(line) as { readonly Restarts: number }).Restarts > 0);
}
