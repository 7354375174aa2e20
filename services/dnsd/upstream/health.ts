/**
 * What is known of one server: how long it takes, whether it is late, and when it is worth asking again after it kept silent.
 *
 * One that is doubtful is asked after the others; it is no longer doubtful when it has answered anything. Only silence and a
 * refusal by the kernel count: a server that says SERVFAIL or REFUSED about one name may be the only one that knows another.
 */

const FIRST_BACK_OFF_MS = 1_000;
const LONGEST_BACK_OFF_MS = 60_000;
/** RFC 6298 §2, which is about the same question: how long before it is likely that nothing will come. */
const SMOOTHED_SHARE = 1 / 8;
const DEVIATION_SHARE = 1 / 4;
const DEVIATIONS = 4;
/** Of the longest wait: a resolver that answers at once what it keeps must itself ask others for the rest. */
const LEAST_HEDGE_SHARE = 1 / 4;

export class Health {
	readonly #nowMs: () => number;
	#smoothedMs: number | undefined;
	#deviationMs = 0;
	#answeredAtMs = Number.NEGATIVE_INFINITY;
	#isLate = false;
	/** In a row, each after the time that the one before had earned. */
	#failures = 0;
	#untilMs = 0;

	constructor(nowMs: () => number = () => performance.now()) {
		this.#nowMs = nowMs;
	}

	answered(rttMs: number): void {
		this.#answeredAtMs = this.#nowMs();
		this.#isLate = false;
		this.#failures = 0;
		if (this.#smoothedMs === undefined) {
			this.#smoothedMs = rttMs;
			this.#deviationMs = rttMs / 2;
			return;
		}
		this.#deviationMs += DEVIATION_SHARE * (Math.abs(rttMs - this.#smoothedMs) - this.#deviationMs);
		this.#smoothedMs += SMOOTHED_SHARE * (rttMs - this.#smoothedMs);
	}

	/** Something that it was asked at `askedAtMs` is still open; that is no news when it has answered something else since. */
	late(askedAtMs: number): void {
		if (this.#answeredAtMs < askedAtMs) this.#isLate = true;
	}

	/** It kept silent, or nobody is there. While it is backed off anyway, that is no news. */
	failed(): void {
		const now = this.#nowMs();
		if (this.#failures > 0 && now < this.#untilMs) return;
		this.#untilMs = now + Math.min(FIRST_BACK_OFF_MS * 2 ** this.#failures, LONGEST_BACK_OFF_MS);
		this.#failures += 1;
	}

	get isDoubtful(): boolean {
		return this.#isLate || this.#failures > 0;
	}

	get isProbeDue(): boolean {
		return this.#failures > 0 && this.#nowMs() >= this.#untilMs;
	}

	/** How long to wait before the next server is asked as well; `mostMs` when nothing is known. */
	hedgeMs(mostMs: number): number {
		if (this.#smoothedMs === undefined) return mostMs;
		const likelyMs = this.#smoothedMs + DEVIATIONS * this.#deviationMs;
		return Math.min(mostMs, Math.max(mostMs * LEAST_HEDGE_SHARE, likelyMs));
	}

	/** Undefined before the first answer. */
	get smoothedMs(): number | undefined {
		return this.#smoothedMs;
	}

	/** What is left of the time in which it is not tried; 0 when it is not backed off. */
	get backOffMs(): number {
		return this.#failures > 0 ? Math.max(0, this.#untilMs - this.#nowMs()) : 0;
	}
}
