/**
 * What one reader has still to be told: of each key the latest value, in the order of the last changes. A reader that is slow misses
 * steps between, and never the last one; it holds as many values as there are keys, up to a bound.
 */
export class Latest<Key, Value> {
	readonly #bound: number;
	readonly #tooSlow: () => Error;
	readonly #pending = new Map<Key, Value>();
	#wake: (() => void) | undefined;
	#isOver = false;
	#error: unknown;

	/** Once more than `bound` keys wait, the reader gets what `tooSlow` makes, and nothing more. */
	constructor(bound: number, tooSlow: () => Error) {
		this.#bound = bound;
		this.#tooSlow = tooSlow;
	}

	get isOver(): boolean {
		return this.#isOver;
	}

	push(key: Key, value: Value): void {
		if (this.#isOver) return;
		// Moved to the end: changes are told in their order.
		this.#pending.delete(key);
		this.#pending.set(key, value);
		if (this.#pending.size > this.#bound) this.end(this.#tooSlow());
		else this.#wake?.();
	}

	/** What has been pushed is not told any more; with an error, that is. */
	end(error?: unknown): void {
		if (this.#isOver) return;
		this.#isOver = true;
		this.#error = error;
		this.#pending.clear();
		this.#wake?.();
	}

	/** For one reader. Ends with `end`, and throws its error. */
	async *values(): AsyncGenerator<Value, void, void> {
		for (;;) {
			if (this.#error !== undefined) throw this.#error;
			if (this.#isOver) return;
			const [next] = this.#pending;
			if (next === undefined) {
				const { promise, resolve } = Promise.withResolvers<void>();
				this.#wake = resolve;
				await promise;
				continue;
			}
			this.#pending.delete(next[0]);
			yield next[1];
		}
	}
}
