/**
 * Pieces of work that keep the thread for a millisecond, one in a turn of the loop: when many are due at once, what arrives and what
 * is answered meanwhile waits for one of them, and not for all.
 */
export class Pace {
	readonly #waiting: (() => void)[] = [];
	#isTaken = false;

	/** Resolves at once for the first in a turn of the loop, and for the others in later turns, in the order of asking. */
	next(): Promise<void> {
		if (this.#isTaken) return new Promise((resolve) => this.#waiting.push(resolve));
		this.#begin();
		return Promise.resolve();
	}

	#begin(): void {
		this.#isTaken = true;
		setImmediate(() => {
			this.#isTaken = false;
			const next = this.#waiting.shift();
			if (next === undefined) return;
			this.#begin();
			next();
		});
	}
}
