/** Fifty rounds of random operations on netd, each ended by a kill: the audit is clean. `npm run soak -- netd` has the thousand. */
import { expect, test } from "vitest";
import { netdRounds } from "../soak/netd/rounds.ts";
import { Random } from "../soak/random.ts";

const ROUNDS = 50;
const SEED = Date.now() % 1_000_000;
/** A round takes two seconds, and longer beside other tests. */
const LONGEST_MS = 600_000;

test(
	`${ROUNDS} rounds with seed ${SEED}`,
	async () => {
		const problems: string[] = [];
		await netdRounds({
			random: new Random(SEED),
			rounds: ROUNDS,
			report: (problem) => problems.push(problem),
			say: () => undefined,
		});
		expect(problems).toEqual([]);
	},
	LONGEST_MS,
);
