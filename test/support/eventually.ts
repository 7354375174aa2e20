/** Waits for what another process is about to bring about; the last failure is thrown when the time is over. */
import { setTimeout as delay } from "node:timers/promises";

export async function eventually<T>(check: () => Promise<T>, timeoutMs = 10_000): Promise<T> {
	const end = performance.now() + timeoutMs;
	for (;;) {
		try {
			return await check();
		} catch (error) {
			if (performance.now() > end) throw error;
			await delay(50);
		}
	}
}
