/** Work that several callers may wait for: it runs as long as one of them does. */
import { setTimeout as sleep } from "node:timers/promises";
import { rpcFaults } from "#lib/rpc/faults.ts";

/** About four times a second. */
export const PROGRESS_MS = 250;

type End<R> = { readonly result: R } | { readonly error: unknown };

export class Followed<R extends object> {
	readonly #method: string;
	readonly #abort: AbortController;
	readonly #end: Promise<End<R>>;
	#followers = 0;

	/** `abort` ends what `result` is about. */
	constructor(method: string, result: Promise<R>, abort: AbortController) {
		this.#method = method;
		this.#abort = abort;
		this.#end = result.then(
			(result) => ({ result }),
			(error: unknown) => ({ error }),
		);
	}

	/** Undefined again and again, to tell how far it is; its result at the end. Faults: its own, and the signal's reason. */
	async *follow(signal: AbortSignal): AsyncGenerator<R | undefined, void> {
		this.#followers += 1;
		let ended = false;
		const over = new AbortController();
		const gone = new Promise<undefined>((resolve) => {
			signal.addEventListener("abort", () => resolve(undefined), { once: true, signal: over.signal });
		});
		try {
			for (;;) {
				signal.throwIfAborted();
				const tick = sleep(PROGRESS_MS, undefined, { signal: over.signal }).catch(() => undefined);
				const settled = await Promise.race([this.#end, gone, tick]);
				if (settled !== undefined) {
					ended = true;
					if ("error" in settled) throw settled.error;
					yield settled.result;
					return;
				}
				signal.throwIfAborted();
				yield undefined;
			}
		} finally {
			over.abort();
			this.#followers -= 1;
			if (this.#followers === 0 && !ended) {
				this.#abort.abort(signal.reason ?? rpcFaults.CANCELLED({ method: this.#method }));
				await this.#end; // it has cleaned up before the call ends
			}
		}
	}
}
