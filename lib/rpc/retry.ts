/**
 * Trying again: only a service that did not answer or was stopping, and only under a request id, which makes the second attempt harmless.
 *
 * An UNAVAILABLE that the service reports of somebody else has been retried there already.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { isAway } from "./faults.ts";

export interface Retry {
	/** Attempts after the first. */
	readonly limit: number;
	/** Doubled each time, with up to a half more at random. */
	readonly firstDelayMs: number;
}

/** 1.5 to 2.3 s in all: a supervised service is back within that. */
export const DEFAULT_RETRY: Retry = { limit: 5, firstDelayMs: 50 };

/**
 * `worthwhile` is asked after each wait: a service that starts again has no socket for a moment. No attempt starts after `deadline`
 * (milliseconds since the epoch).
 */
export async function retrying<T>(
	attempt: () => Promise<T>,
	retry: Retry,
	deadline: number,
	signal: AbortSignal | undefined,
	worthwhile: () => boolean,
): Promise<T> {
	for (let count = 0; ; count += 1) {
		try {
			return await attempt();
		} catch (error) {
			const delayMs = retry.firstDelayMs * 2 ** count * (1 + Math.random() / 2);
			const again = count < retry.limit && isTransient(error) && Date.now() + delayMs < deadline;
			if (!again || signal?.aborted) throw error;
			await sleep(delayMs, undefined, { signal }).catch(() => undefined); // an abort is told by the next attempt
			if (!worthwhile()) throw error;
		}
	}
}

function isTransient(error: unknown): boolean {
	return isAway(error) && error.domain === "rpc";
}
