/**
 * `kills-program.ts ROUNDS SEED [POINT…]`: volumed is killed at these kill points, or at all when none is named, and then ROUNDS times at
 * random moments, a tenth of which are power cuts. In this process's mount namespace; what was amiss is a line each that begins with
 * `PROBLEM `.
 */
import { killPointNames } from "./kill-point-names.ts";
import { killRounds } from "./kill-rounds.ts";
import { type DiskKind, ownMountsAndRun } from "./kill-scene.ts";
import { visitKillPoint } from "./kill-visit.ts";
import { seededChoices } from "./seeded-choices.ts";

const AT_ONCE = 2;

const [rounds = "", seed = "", ...points] = process.argv.slice(2);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

ownMountsAndRun();
const { anywhere, btrfs } = killPointNames();
const wanted = (name: string): boolean => points.length === 0 || points.some((point) => name.includes(point));
const on = (names: readonly string[], disk?: DiskKind) => names.filter(wanted).map((name) => ({ name, disk }));
const queue = [...on(anywhere), ...on(btrfs, "btrfs")];
say(`  ${queue.length} kill points of volumed`);
const lane = async (): Promise<void> => {
	for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
		const problems = await visitKillPoint(next.name, next.disk);
		say(`  kill point ${next.name}: ${problems.length} problems`);
		for (const problem of problems) say(`PROBLEM ${next.name}: ${problem}`);
	}
};
await Promise.all(Array.from({ length: AT_ONCE }, lane));

const random = seededChoices(Number(seed));
const cuts = Math.ceil(Number(rounds) / 10);
for (const [ends, count] of [
	["kill", Number(rounds) - cuts],
	["power", cuts],
] as const) {
	const report = (problem: string): void => say(`PROBLEM ${ends}: ${problem}`);
	const answers = await killRounds({ rounds: count, random, ends, report });
	say(`  ${count} ends by ${ends}: ${answers} answers`);
}
