/**
 * Loaded into netd ahead of its program (`node --import`), by the bench alone: at SIGUSR2 it writes what it has seen since the last
 * time to the file that WHARF_BENCH_PROBE names, and begins anew.
 */
import { renameSync, writeFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";

export interface Probed {
	/** How much later than asked the loop came to a timer of a millisecond, milliseconds. */
	readonly delayP50Ms: number;
	readonly delayP99Ms: number;
	readonly delayMaxMs: number;
	/** Bytes, of the main thread's heap and of what it holds elsewhere. */
	readonly heapUsed: number;
	readonly heapTotal: number;
	readonly external: number;
}

const RESOLUTION_MS = 1;

const path = process.env["WHARF_BENCH_PROBE"];
if (path !== undefined) {
	const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
	process.on("SIGUSR2", () => {
		delay.disable();
		const ms = (ns: number): number => Math.max(0, ns / 1e6 - RESOLUTION_MS);
		const { heapUsed, heapTotal, external } = process.memoryUsage();
		const probed: Probed = {
			delayP50Ms: ms(delay.percentile(50)),
			delayP99Ms: ms(delay.percentile(99)),
			delayMaxMs: ms(delay.max),
			heapUsed,
			heapTotal,
			external,
		};
		writeFileSync(`${path}.new`, JSON.stringify(probed));
		renameSync(`${path}.new`, path);
		delay.reset();
		delay.enable();
	});
}
