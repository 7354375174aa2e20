/** Rounds of random commands, four at a time, while services are killed; the audit after each round must find nothing. */
import { setTimeout as delay } from "node:timers/promises";
import { leftovers } from "../support/audit/leftovers.ts";
import { Host } from "../support/host.ts";
import { kill } from "../support/services.ts";
import { keepLogs } from "./keep-logs.ts";
import { choose, perform } from "./operations.ts";
import type { Random } from "./random.ts";
import { straysOf } from "./strays.ts";

const SERVICES = ["netd", "ipamd", "dnsd", "volumed", "gateway", "nats"];
const OPERATIONS_A_ROUND = 60;
const AT_ONCE = 4;

export async function randomRounds(
	random: Random,
	durationMs: number,
	report: (problem: string) => void,
): Promise<void> {
	const end = performance.now() + durationMs;
	await using host = await Host.boot();
	await host.wharfOk("up");
	for (let round = 1; performance.now() < end; round++) {
		const cut = random.next() < 0.15;
		await oneRound(host, random, report, cut);
		if (cut) {
			await host.powerCycle();
			await host.wharfOk("up");
		}
		const strays = await straysOf(host);
		for (const stray of strays) report(`round ${round}: ${stray}`);
		if (strays.length > 0) await keepLogs(host, `round-${round}`);
		console.log(`  round ${round}${cut ? ", ended by a power cut" : ""}: ${strays.length} strays`);
	}
	await host.wharfOk("down", "--all", "--volumes");
	for (const left of await leftovers(host)) report(`after down --all: ${left}`);
}

async function oneRound(host: Host, random: Random, report: (problem: string) => void, cut: boolean): Promise<void> {
	const queue = Array.from({ length: OPERATIONS_A_ROUND }, () => choose(random));
	const worker = async (): Promise<void> => {
		for (let args = queue.shift(); args !== undefined; args = queue.shift()) {
			const problem = await perform(host, args);
			if (problem !== undefined) report(problem);
		}
	};
	const work = Promise.all(Array.from({ length: AT_ONCE }, worker));
	for (let kills = random.below(4); kills > 0 && queue.length > 0; kills--) {
		await delay(random.below(2_000));
		// A service that was killed a moment ago may not be back yet.
		await kill(host, random.pick(SERVICES)).catch(() => undefined);
	}
	// A power cut comes in the middle.
	if (cut) queue.length = 0;
	await work;
}
