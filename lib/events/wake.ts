/** A bell: whoever waits is woken by the next ring, and a ring that nobody heard wakes the next one to wait. */
export class Wake {
	#rung = false;
	#waiter: (() => void) | undefined;

	up(): void {
		this.#rung = true;
		this.#waiter?.();
	}

	/** True when it rang; false after `timeoutMs`, or when the signal aborts. One waiter at a time. */
	async wait(signal: AbortSignal, timeoutMs?: number): Promise<boolean> {
		if (!this.#rung && !signal.aborted) {
			const { promise, resolve } = Promise.withResolvers<void>();
			const timer = timeoutMs === undefined ? undefined : setTimeout(resolve, timeoutMs);
			const abort = (): void => resolve();
			this.#waiter = resolve;
			signal.addEventListener("abort", abort, { once: true });
			await promise;
			signal.removeEventListener("abort", abort);
			clearTimeout(timer);
			this.#waiter = undefined;
		}
		const rung = this.#rung;
		this.#rung = false;
		return rung;
	}
}
