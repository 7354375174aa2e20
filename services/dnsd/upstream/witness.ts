/**
 * A race is over when somebody has won, and then nobody knows whether the others would ever have answered. So one question to
 * each server stays open until that is known.
 */
export interface Witness extends Disposable {
	/** Aborted with the race, and not before the server has had its time. */
	readonly signal: AbortSignal;
}

/** `onSilence` is called once when the time is over and the witness not disposed of. */
export function witness(race: AbortSignal, patienceMs: number, onSilence: () => void): Witness {
	const own = new AbortController();
	const end = (): void => own.abort(race.reason);
	const timer = setTimeout(() => {
		onSilence();
		if (race.aborted) end();
		else race.addEventListener("abort", end, { once: true });
	}, patienceMs);
	return { signal: own.signal, [Symbol.dispose]: () => clearTimeout(timer) };
}
