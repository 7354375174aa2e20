/**
 * Rounds of netd: clients ask for one thing after another, several at once, while netd is killed again and again: at a random moment,
 * or at one of its kill points. They try again by themselves until the next process answers. After every few rounds they pause, and
 * the audit must find nothing.
 */
import { setTimeout as delay } from "node:timers/promises";
import { keepLogs } from "../keep-logs.ts";
import { killPointNames, OF_NETD } from "../kill-points.ts";
import type { Random } from "../random.ts";
import { amiss } from "./agree.ts";
import { NetdHost } from "./instance.ts";
import { Ledger } from "./ledger.ts";
import { perform, type World } from "./operations.ts";

const LANES = 5;
const LATEST_KILL_MS = 400;
const AT_POINTS = 0.4;
const ROUNDS_TO_AUDIT = 10;

export interface RoundsOptions {
	readonly random: Random;
	readonly rounds: number;
	readonly report: (problem: string) => void;
	readonly say: (line: string) => void;
	readonly interrupted?: AbortSignal;
}

export async function netdRounds({ random, rounds, report, say, interrupted }: RoundsOptions): Promise<void> {
	const points = (await killPointNames()).filter((name) => OF_NETD.test(name));
	await using it = await NetdHost.boot();
	const world: World = { it, random, ledger: new Ledger() };
	for (let round = 0; round < rounds && !isAborted(interrupted); ) {
		const count = Math.min(ROUNDS_TO_AUDIT, rounds - round);
		for (const problem of await someRounds(world, points, count)) report(`up to round ${round + count}: ${problem}`);
		round += count;
		const problems = await amiss(it, world.ledger);
		for (const problem of problems) report(`after round ${round}: ${problem}`);
		say(`  ${round} rounds: ${problems.length} problems`);
		if (problems.length === 0) continue;
		await it.kill();
		return keepLogs(it.host, `netd-round-${round}`);
	}
}

function isAborted(signal: AbortSignal | undefined): boolean {
	return signal?.aborted === true;
}

/** Kills netd `count` times; what was wrong with an answer, or with what netd said. It serves afterwards, and nothing is under way. */
async function someRounds(world: World, points: readonly string[], count: number): Promise<string[]> {
	const { it, random } = world;
	const problems: string[] = [];
	const pause = new AbortController();
	const lane = async (): Promise<void> => {
		while (!pause.signal.aborted) {
			const problem = await perform(world);
			if (problem !== undefined) problems.push(problem);
		}
	};
	const lanes = Promise.all(Array.from({ length: LANES }, lane));
	for (let round = 0; round < count; round += 1) {
		const wait = new AbortController();
		const latest = delay(random.below(LATEST_KILL_MS), undefined, { signal: wait.signal }).catch(() => undefined);
		await Promise.race([it.ended(), latest]);
		wait.abort();
		const said = await it.kill();
		problems.push(...said.split("\n").filter((line) => /"level":"error"|at .*\.ts:\d/.test(line)));
		const isLast = round === count - 1;
		await it.start("netd", isLast || random.next() > AT_POINTS ? "" : `${random.pick(points)}#${1 + random.below(2)}`);
	}
	pause.abort();
	await lanes;
	return problems;
}
