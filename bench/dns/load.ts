/** dnsperf with four clients, as many queries on their way as it is told, against a resolver at port 53 of its namespace. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CONTAINERS, nameOf } from "./dnsd.ts";
import { type Namespaces, RESOLVER } from "./namespaces.ts";

export interface Load {
	readonly seconds: number;
	/** 100 unless given. */
	readonly onTheirWay?: number;
	/** As many as are answered unless given. */
	readonly perSecond?: number;
	readonly server?: string;
}

/** A file of questions for the A records of all containers. */
export function questions(namespaces: Namespaces): string {
	const path = join(namespaces.folder, "names");
	writeFileSync(path, Array.from({ length: CONTAINERS }, (_, i) => `${nameOf(i)} A\n`).join(""));
	return path;
}

/** Queries a second; throws when a query was lost, or was answered with a failure. */
export async function load(namespaces: Namespaces, netns: string, file: string, how: Load): Promise<number> {
	const stdout = await namespaces.run(netns, "dnsperf", ...argumentsOf(file, how));
	const lost = Number(/Queries lost:\s+(\d+)/.exec(stdout)?.[1]);
	const codes = /Response codes:\s+(.*)/.exec(stdout)?.[1] ?? "none";
	if (lost > 0 || !/^NOERROR \d+ \(100\.00%\)$/.test(codes)) console.log(`  ${lost} lost; ${codes}`);
	return Number(/Queries per second:\s+([\d.]+)/.exec(stdout)?.[1]);
}

/** Milliseconds that each query took. */
export async function latencies(namespaces: Namespaces, netns: string, file: string, how: Load): Promise<number[]> {
	// To a file: somebody who reads along would take time from both.
	const output = join(namespaces.folder, "latencies");
	await namespaces.run(netns, "sh", "-c", 'exec dnsperf -v "$@" >"$0"', output, ...argumentsOf(file, how));
	const stdout = readFileSync(output, "utf8");
	return [...stdout.matchAll(/^> \S+ \S+ \S+ ([\d.]+)$/gm)].map(([, seconds]) => Number(seconds) * 1_000);
}

function argumentsOf(file: string, { seconds, onTheirWay = 100, perSecond, server = RESOLVER }: Load): string[] {
	const paced = perSecond === undefined ? [] : ["-Q", String(perSecond)];
	return ["-s", server, "-p", "53", "-c", "4", "-q", String(onTheirWay), "-l", String(seconds), "-d", file, ...paced];
}
