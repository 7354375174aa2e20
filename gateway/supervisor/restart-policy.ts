/** When a service that died is started again. Pure. */

/** Quick first: a client that repeats its call bridges the gap. Then slower, so that a service that cannot run does not keep the machine busy. */
const DELAYS_MS = [0, 100, 500, 2_000, 5_000, 15_000];
/** One that ran this long has recovered: its next end is a first one again. */
const RECOVERED_MS = 30_000;
/** Ends before it ever served; then the start of everything is given up. */
const FIRST_ATTEMPTS = 3;

export interface History {
	/** Ends in a row. */
	readonly failures: number;
	readonly everServed: boolean;
}

export const NO_HISTORY: History = { failures: 0, everServed: false };

export type Decision = { readonly restart: true; readonly delayMs: number } | { readonly restart: false };

export function afterEnd({ failures, everServed }: History, ranMs: number): { history: History; decision: Decision } {
	const inRow = (ranMs >= RECOVERED_MS ? 0 : failures) + 1;
	const history = { failures: inRow, everServed };
	if (!everServed && inRow >= FIRST_ATTEMPTS) return { history, decision: { restart: false } };
	const delayMs = DELAYS_MS[Math.min(inRow, DELAYS_MS.length) - 1] ?? 0;
	return { history, decision: { restart: true, delayMs } };
}

export function afterServing(history: History): History {
	return { ...history, everServed: true };
}
