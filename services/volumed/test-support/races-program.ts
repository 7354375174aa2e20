/** `races-program.ts ROUNDS SEED`: races in this process's mount namespace; what was amiss is a line each that begins with `PROBLEM `. */
import { race } from "./races.ts";

const [rounds, seed] = process.argv.slice(2).map(Number);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const { problems, outcomes, swaps } = await race({ rounds: rounds ?? 0, seed: seed ?? 0, say });
for (const problem of problems) say(`PROBLEM ${problem}`);
say(
	`  ${swaps} swaps; ${Object.entries(outcomes)
		.map(([outcome, count]) => `${outcome} ${count}`)
		.join(", ")}`,
);
