/**
 * What takes back the effects of an operation that did not come to its end, newest first.
 *
 * Every step runs, whatever the ones before it did. The row that stored the intent is discarded last and only when every
 * step succeeded; otherwise it is parked, and reconciliation takes the steps again.
 */
import type { Log } from "#lib/log/log.ts";

/** What is done with the row that stored the intent. */
export interface Intent {
	/** Everything was taken back: removes the row, or puts it as it was. Nothing unless given. */
	readonly discard?: () => Promise<void>;
	/** Something was not: leaves the row for reconciliation. As it is unless given. */
	readonly park?: () => Promise<void>;
}

type Step = () => void | Promise<void>;

export class Undo implements AsyncDisposable {
	readonly #intent: Intent;
	readonly #log: Log;
	#steps: Step[] = [];
	#done = false;

	constructor(intent: Intent, log: Log) {
		this.#intent = intent;
		this.#log = log;
	}

	/** Deferred before the effect: a call that failed may have happened all the same. */
	defer(step: Step): void {
		this.#steps.push(step);
	}

	/** Nothing is left to undo. */
	done(): void {
		this.#done = true;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		if (this.#done) return;
		this.#done = true;
		const clean = await collect(this.#steps.reverse(), (error) => this.#log.error("an undo failed", { err: error }));
		this.#steps = [];
		try {
			await (clean ? this.#intent.discard?.() : this.#intent.park?.());
		} catch (error) {
			// The caller is to hear why the operation failed, not this: the row still says what is to be taken back.
			this.#log.error("an intent could not be taken back", { err: error });
		}
	}
}

/** Runs every step, in order; true when none of them failed. */
export async function collect(steps: readonly Step[], failed: (error: unknown) => void): Promise<boolean> {
	let clean = true;
	for (const step of steps) {
		try {
			await step();
		} catch (error) {
			clean = false;
			failed(error);
		}
	}
	return clean;
}
