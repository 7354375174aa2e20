/**
 * Several servers, one answer: the first is asked at once, the next when it has failed or kept silent for a moment, and those
 * that kept silent once more. The first good answer wins; when everybody has failed there is no waiting.
 */
import type { Server } from "./server.ts";

export interface Pace {
	/** How long a server may keep silent before the next one is asked as well. */
	readonly hedgeMs: number;
	/** After the last server, before those that kept silent are asked again: a packet may have been lost. */
	readonly againMs: number;
	/** When to give up. Clients wait for five seconds. */
	readonly overallMs: number;
}

/** Resolves with a good answer; rejects when there will be none, or with the signal's reason. */
export type Attempt = (server: Server, signal: AbortSignal) => Promise<Buffer>;

const DECIDED = new Error("the race is decided");

/** Undefined when nobody gave a good answer. `onSilence` hears of a server that let its time pass; it may still answer. */
export function race(
	servers: readonly Server[],
	attempt: Attempt,
	pace: Pace,
	onSilence: (server: Server) => void = () => undefined,
): Promise<Buffer | undefined> {
	const plan = [...servers, ...servers];
	const failed = new Set<Server>();
	const decided = new AbortController();
	let pending = 0;
	let timer: NodeJS.Timeout | undefined;
	return new Promise((resolve) => {
		const decide = (response: Buffer | undefined): void => {
			clearTimeout(timer);
			clearTimeout(overall);
			resolve(response);
			decided.abort(DECIDED);
		};
		const askNext = (): void => {
			clearTimeout(timer);
			if (decided.signal.aborted) return;
			let server = plan.shift();
			while (server !== undefined && failed.has(server)) server = plan.shift();
			if (server === undefined) {
				if (pending === 0) decide(undefined);
				return;
			}
			const asked = server;
			pending += 1;
			const patienceMs = plan.length === servers.length ? pace.againMs : pace.hedgeMs;
			timer = setTimeout(() => {
				onSilence(asked);
				askNext();
			}, patienceMs);
			attempt(asked, decided.signal).then(decide, () => {
				pending -= 1;
				failed.add(asked);
				askNext();
			});
		};
		const overall = setTimeout(() => decide(undefined), pace.overallMs);
		askNext();
	});
}
