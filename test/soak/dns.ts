/** Packets without end to the decoders of dnsd, in parcels, so that a signal ends it. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { fuzz, judgeCorpus } from "../../services/dnsd/test-support/fuzz.ts";
import type { Random } from "./random.ts";

const PARCEL = 10_000;
const PARCELS_TO_A_LINE = 50;

export interface DnsFuzzing {
	readonly random: Random;
	readonly packets: number;
	readonly report: (problem: string) => void;
	readonly say: (line: string) => void;
	readonly interrupted: AbortSignal;
}

export async function fuzzDns({ random, packets, report, say, interrupted }: DnsFuzzing): Promise<void> {
	for (const problem of judgeCorpus()) report(problem);
	const below = (end: number): number => random.below(end);
	for (let parcel = 0, done = 0; done < packets && !interrupted.aborted; parcel++) {
		const count = Math.min(PARCEL, packets - done);
		fuzz(count, below, report);
		done += count;
		if (parcel % PARCELS_TO_A_LINE === PARCELS_TO_A_LINE - 1 || done === packets) say(`  ${done} packets`);
		await nextTurn();
	}
}
