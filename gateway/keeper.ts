/** What the gateway does without being asked: it takes in exit statuses as they come, and compares records with what there is. */
import { setTimeout as sleep } from "node:timers/promises";
import { finish } from "./compose/finish.ts";
import type { Parts } from "./parts.ts";
import { reconcile } from "./reconcile.ts";

/** Something could not be mended: a peer was away, most likely. */
const SOON_MS = 1_000;

/** Ends when it is disposed of, after what it has begun. */
export function takeExits(parts: Parts): AsyncDisposable {
	const { runtime, log } = parts;
	const abort = new AbortController();
	const running = new Set<Promise<void>>();
	const following = (async () => {
		for await (const { id, exitCode } of runtime.exits(abort.signal)) {
			const task = finish(parts, id, exitCode).catch((error: unknown) => {
				// The exit file stays: reconcile and the next start read it again.
				log.error("the end of a container could not be stored", { id, err: error });
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
	let pauseMs = (await reconcile(parts)) > 0 ? SOON_MS : everyMs;
	const running = (async () => {
		for (;;) {
			await sleep(pauseMs, undefined, { signal: abort.signal });
			const failures = await reconcile(parts);
			pauseMs = failures > 0 ? Math.min(everyMs, Math.max(SOON_MS, pauseMs * 2)) : everyMs;
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
