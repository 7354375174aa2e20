/** A thread that exchanges directories with links, all the time, until it is told to stop: what an attacker does in a volume. */
import { workerData } from "node:worker_threads";
import { isErrno } from "#lib/linux/libc.ts";
import { exchange } from "#lib/linux/mount/directory.ts";

export interface SwapperData {
	readonly pairs: readonly (readonly [string, string])[];
	/** 0: stop; 1: how often it swapped. */
	readonly counters: Int32Array<SharedArrayBuffer>;
}

const { pairs, counters } = workerData as SwapperData; // what races.ts starts it with
const [STOP, SWAPS] = [0, 1];

while (Atomics.load(counters, STOP) === 0) {
	for (const [a, b] of pairs) {
		try {
			exchange(a, b);
			Atomics.add(counters, SWAPS, 1);
		} catch (error) {
			// Something is mounted on it just now.
			if (!isErrno(error, "EBUSY")) throw error;
		}
	}
}
