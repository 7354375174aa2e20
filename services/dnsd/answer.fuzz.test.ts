/**
 * A hundred thousand packets, good, changed and without sense, to the clients' decoder and to the upstreams': what test-support/judge.ts
 * says holds of each. `npm run soak -- dns` has the ten million; `WHARF_FUZZ_SEED` repeats what a seed did.
 */
import { expect, it } from "vitest";
import { fuzz, judgeCorpus } from "./test-support/fuzz.ts";
import { numbers } from "./test-support/packets.ts";

const PACKETS = 100_000;
const SEED = Number(process.env["WHARF_FUZZ_SEED"] ?? Date.now() % 2 ** 31);

it("the corpus as it is", () => expect(judgeCorpus()).toEqual([]));

it(`${PACKETS} packets with seed ${SEED}`, { timeout: 120_000 }, () => {
	const problems: string[] = [];
	fuzz(PACKETS, numbers(SEED), (problem) => problems.push(problem));
	expect(problems.slice(0, 20)).toEqual([]);
});
