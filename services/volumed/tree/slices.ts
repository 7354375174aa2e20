/** Long work on a thread that is to hear what comes in meanwhile. */
import { setImmediate as breathe } from "node:timers/promises";

/** Between two looks at what has come in. */
const SLICE_MS = 20;

/** Goes through `steps`; false: `isOver` said so between two of them, and the rest was left. `step` is called for each. */
export async function inSlices(steps: Generator, step: () => void, isOver: () => boolean): Promise<boolean> {
	let end = performance.now() + SLICE_MS;
	for (const _ of steps) {
		step();
		if (performance.now() < end) continue;
		await breathe();
		if (isOver()) return false;
		end = performance.now() + SLICE_MS;
	}
	return true;
}
