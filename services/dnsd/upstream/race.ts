/**
 * Several candidates, one answer: the first is asked at once, the next when it has failed or kept silent for a moment, and those
 * that kept silent once more. The first good answer wins; when everybody has failed there is no waiting.
 */
export interface Pace {
	/** How long a server may keep silent before the next one is asked as well, at most. */
	readonly hedgeMs: number;
	/** After the last server, before those that kept silent are asked again: a packet may have been lost. */
	readonly againMs: number;
	/** When to give up. Clients wait for five seconds. */
	readonly overallMs: number;
}

export interface Rules<Candidate, Answer> extends Omit<Pace, "hedgeMs"> {
	readonly hedgeMs: (candidate: Candidate) => number;
	/** Resolves with a good answer; rejects when there will be none, or with the signal's reason. */
	readonly attempt: (candidate: Candidate, signal: AbortSignal) => Promise<Answer>;
	/** Hears of one that let its time pass, and since when (`performance.now`); it may still answer. */
	readonly onLate?: (candidate: Candidate, askedAtMs: number) => void;
}

const DECIDED = new Error("the race is decided");
/** The first time, and once again. */
const ROUNDS = 2;

/** Undefined when nobody gave a good answer. */
export function race<Candidate, Answer>(
	candidates: readonly Candidate[],
	{ hedgeMs, againMs, overallMs, attempt, onLate }: Rules<Candidate, Answer>,
): Promise<Answer | undefined> {
	const queue = [...candidates];
	const failed = new Set<Candidate>();
	const decided = new AbortController();
	let rounds = ROUNDS - 1;
	let pending = 0;
	let timer: NodeJS.Timeout | undefined;
	return new Promise((resolve) => {
		const decide = (answer: Answer | undefined): void => {
			clearTimeout(timer);
			clearTimeout(overall);
			resolve(answer);
			decided.abort(DECIDED);
		};
		const askNext = (): void => {
			if (decided.signal.aborted) return;
			let next = queue.shift();
			while (next !== undefined && failed.has(next)) next = queue.shift();
			if (next !== undefined) ask(next);
			// Otherwise the time of the one that was asked last goes on.
			else if (pending === 0) decide(undefined);
		};
		const ask = (candidate: Candidate): void => {
			const askedAtMs = performance.now();
			clearTimeout(timer);
			pending += 1;
			timer = setTimeout(
				() => {
					if (!failed.has(candidate)) onLate?.(candidate, askedAtMs);
					if (queue.length === 0 && rounds-- > 0) queue.push(...candidates);
					askNext();
				},
				queue.length === 0 ? againMs : hedgeMs(candidate),
			);
			attempt(candidate, decided.signal).then(decide, () => {
				pending -= 1;
				failed.add(candidate);
				askNext();
			});
		};
		const overall = setTimeout(() => decide(undefined), overallMs);
		askNext();
	});
}
