/** Calls what puts mounts and removals right, at once and then again and again: a while after the last call has ended, sooner after one that could not do all. */
import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "#lib/log/log.ts";

const EVERY_MS = 30_000;
const AFTER_FAILURE_MS = 5_000;

export class Mender implements AsyncDisposable {
	readonly #mend: () => Promise<number>;
	readonly #log: Log;
	#timer: NodeJS.Timeout | undefined;
	#running: Promise<void>;
	#isOver = false;

	/** `mend` gives the number of things that could not be mended. */
	constructor(mend: () => Promise<number>, log: Log) {
		this.#mend = mend;
		this.#log = log;
		this.#running = this.#run();
	}

	/** Resolves when the first call has ended, or when this much time is over. */
	async first(boundMs: number): Promise<void> {
		const over = new AbortController();
		const bound = delay(boundMs, undefined, { signal: over.signal }).catch(() => undefined);
		await Promise.race([this.#running, bound]);
		over.abort();
	}

	#wait(delayMs: number): void {
		if (this.#isOver) return;
		this.#timer = setTimeout(() => {
			this.#running = this.#run();
		}, delayMs);
		this.#timer.unref();
	}

	async #run(): Promise<void> {
		let failures = 1;
		try {
			failures = await this.#mend();
		} catch (error) {
			this.#log.error("mounts could not be compared with the store", { err: error });
		}
		this.#wait(failures === 0 ? EVERY_MS : AFTER_FAILURE_MS);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#isOver = true;
		clearTimeout(this.#timer);
		await this.#running;
	}
}
