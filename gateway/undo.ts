/** What takes back the effects of an operation that did not come to its end, newest first; every step runs, whatever the others did. */
import type { Log } from "#lib/log/log.ts";

type Step = () => void | Promise<void>;

export class Undo implements AsyncDisposable {
	readonly #log: Log;
	readonly #settle: (clean: boolean) => Promise<void>;
	#steps: Step[] = [];

	/** `settle` runs last and hears whether everything was taken back: it puts the row right. */
	constructor(log: Log, settle: (clean: boolean) => Promise<void>) {
		this.#log = log;
		this.#settle = settle;
		this.#steps.push(() => undefined);
	}

	/** Deferred before the effect: a call that failed may have happened all the same. */
	defer(step: Step): void {
		this.#steps.push(step);
	}

	/** Nothing is left to undo. */
	done(): void {
		this.#steps = [];
	}

	async [Symbol.asyncDispose](): Promise<void> {
		if (this.#steps.length === 0) return;
		const clean = await runAll(this.#steps.reverse(), this.#log);
		this.#steps = [];
		// The caller is to hear why the operation failed, not this: the row still says what is to be taken back.
		await runAll([() => this.#settle(clean)], this.#log);
	}
}

/** Runs every step, in order; true when none of them failed. */
export async function runAll(steps: readonly Step[], log: Log): Promise<boolean> {
	let clean = true;
	for (const step of steps) {
		try {
			await step();
		} catch (error) {
			clean = false;
			log.error("a step back failed", { err: error });
		}
	}
	return clean;
}
