/** What the gateway does without being asked: it takes in exit statuses as they come, and compares records with what there is. */
import { setTimeout as sleep } from "node:timers/promises";
import { CatchUp } from "./compose/catch-up.ts";
import { finish } from "./compose/finish.ts";
import type { Parts } from "./parts.ts";
import { reconcile } from "./reconcile.ts";

/** Something could not be mended: a peer was away, or the disk is full. Asked again after so long, then less and less often. */
const SOON_MS = 1_000;
const LATER_MS = 5_000;

/** Ends when it is disposed of, after what it has begun. */
export function takeExits(parts: Parts): AsyncDisposable {
	const { runtime, log } = parts;
	const abort = new AbortController();
	const running = new Set<Promise<void>>();
	const following = (async () => {
		for await (const { id, exitCode } of runtime.exits(abort.signal)) {
			const task = finish(parts, id, exitCode).catch((error: unknown) => {
				// Reconcile comes soon, and reads the exit file again.
				log.error("the end of a container could not be taken in", { id, err: error });
			});
			running.add(task);
			void task.then(() => running.delete(task));
		}
	})();
	following.catch((error: unknown) => log.error("exit files cannot be watched", { err: error }));
	return {
		async [Symbol.asyncDispose]() {
			abort.abort();
			await Promise.allSettled([following, ...running]);
		},
	};
}

/** Resolves after the first pass. */
export async function keepReconciled(parts: Parts, everyMs: number): Promise<AsyncDisposable> {
	const abort = new AbortController();
	const pauses = new Pauses(everyMs);
	parts.endings.onUndone(() => pauses.cut());
	const catchUp = new CatchUp(parts);
	let failures = await reconcile(parts);
	const running = (async () => {
		for (;;) {
			pauses.after(failures + (await catchUp.pass(abort.signal)));
			await pauses.pause(abort.signal);
			failures = await reconcile(parts);
		}
	})();
	running.catch((error: unknown) => {
		if (!abort.signal.aborted) parts.log.error("reconcile ended", { err: error });
	});
	return {
		async [Symbol.asyncDispose]() {
			abort.abort();
			await Promise.allSettled([running]);
		},
	};
}

/** The time between two passes: short while something is left to mend, and less and less so. */
class Pauses {
	readonly #everyMs: number;
	#isUndone = false;
	#inARow = 0;
	#wake: (() => void) | undefined;

	constructor(everyMs: number) {
		this.#everyMs = everyMs;
	}

	/** There is something to mend. */
	cut(): void {
		this.#isUndone = true;
		this.#wake?.();
	}

	after(failures: number): void {
		this.#isUndone ||= failures > 0;
		this.#inARow = this.#isUndone ? this.#inARow + 1 : 0;
	}

	async pause(signal: AbortSignal): Promise<void> {
		const called = new AbortController();
		this.#wake = () => called.abort();
		const soonMs = Math.min(this.#everyMs, LATER_MS, SOON_MS * 2 ** Math.max(0, this.#inARow - 1));
		if (!this.#isUndone) {
			const cut = AbortSignal.any([signal, called.signal]);
			await sleep(this.#everyMs, undefined, { signal: cut }).catch(() => undefined);
		}
		if (this.#isUndone) await sleep(soonMs, undefined, { signal });
		signal.throwIfAborted();
		this.#isUndone = false;
	}
}
