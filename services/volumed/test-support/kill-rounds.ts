/** volumed is killed, or the power is cut, at moments of no choice while programs ask it for anything; each time it has to account for all. */
import { setTimeout as sleep } from "node:timers/promises";
import { amiss, remains } from "./inspection.ts";
import { askForAnything, type Choices, giveAllBack } from "./kill-clients.ts";
import { KillScene } from "./kill-scene.ts";
import { cutOff } from "./power-cut.ts";

const SHORTEST_LIFE_MS = 30;
const LONGEST_LIFE_MS = 900;

export interface KillRounds {
	readonly rounds: number;
	readonly random: Choices;
	/** `power`: what was not on the disk is lost with it. */
	readonly ends: "kill" | "power";
	readonly report: (problem: string) => void;
}

/** Gives the number of answers that the programs got. */
export async function killRounds({ rounds, random, ends, report }: KillRounds): Promise<number> {
	await using scene = await KillScene.open(ends === "power" ? "ext4" : undefined);
	let answers = 0;
	await scene.daemon.start();
	for (let round = 1; round <= rounds; round++) {
		const say = (problem: string): void => report(`round ${round}: ${problem}`);
		const asking = askForAnything(scene, { random, writes: ends === "kill", report: say });
		await sleep(SHORTEST_LIFE_MS + random.below(LONGEST_LIFE_MS));
		await (ends === "kill" ? scene.daemon.kill() : scene.cutPower(cutOff));
		answers += await asking;
		await scene.daemon.start();
		for (const problem of await amiss(scene)) say(problem);
	}
	await giveAllBack(scene);
	for (const problem of await amiss(scene)) report(`at the end: ${problem}`);
	for (const line of remains(scene)) report(`left at the end: ${line}`);
	return answers;
}
