/** Waiting that ends with a signal. `Promise.race` with a promise that lives long would keep every loser alive as long. */

/** The promise's result, or a rejection with the signal's reason as soon as it is aborted; what was waited for goes on. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
	return new Promise((resolve, reject) => {
		const abort = () => reject(signal.reason);
		if (signal.aborted) abort();
		else signal.addEventListener("abort", abort, { once: true });
		void promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
	});
}
