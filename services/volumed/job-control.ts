/** What a job tells while it runs, and how it is told to stop. */
import type { Progress, ProgressReport } from "./job.ts";

export class JobControl {
	readonly signal: AbortSignal;
	/** So far; the job's own to set, as what follows. */
	progress: Progress = { entries: 0, bytes: 0 };
	total: ProgressReport["total"];
	stored: ProgressReport["stored"];
	#beganAt = performance.now();

	constructor(signal: AbortSignal) {
		this.signal = signal;
	}

	/** It waited until now. */
	begins(): void {
		this.#beganAt = performance.now();
	}

	report(): ProgressReport {
		const { progress, total, stored } = this;
		return { ...progress, total, stored, elapsedMs: Math.round(performance.now() - this.#beganAt) };
	}
}
