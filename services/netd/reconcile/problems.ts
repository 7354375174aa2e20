/** What a reconciliation could not put right: it goes on with the rest, and is tried again. */
import { Fault } from "#lib/fault/fault.ts";
import type { Log } from "#lib/log/log.ts";

export class Problems {
	readonly #log: Log;
	#count = 0;

	constructor(log: Log) {
		this.#log = log;
	}

	get count(): number {
		return this.#count;
	}

	/** Runs `body`; a throw, or false, is a problem. */
	async guard(what: string, body: () => Promise<boolean | void> | boolean | void): Promise<void> {
		try {
			if ((await body()) === false) this.#count += 1;
		} catch (error) {
			this.#count += 1;
			// A fault is one sentence and expected, as that ipamd does not answer yet; anything else wants its stack.
			const reason = error instanceof Fault ? { reason: error.message } : { err: error };
			this.#log.warn("reconciliation could not do something", { what, ...reason });
		}
	}
}
