/**
 * Mutual exclusion by id, within this process: one operation at a time on an object, and nothing wider.
 *
 * What crosses objects (a network must not go while an endpoint comes) is decided by the store's single writer.
 */
import { abortable } from "./abortable.ts";

export class Locks {
	readonly #tails = new Map<string, Promise<void>>();

	/** Waits for its turn; `using` gives it up. Not reentrant. An aborted signal gives up waiting, with its reason. */
	async take(id: string, signal?: AbortSignal): Promise<Disposable> {
		signal?.throwIfAborted();
		const before = this.#tails.get(id);
		const { promise, resolve } = Promise.withResolvers<void>();
		const tail = before === undefined ? promise : before.then(() => promise);
		this.#tails.set(id, tail);
		const release = (): void => {
			resolve();
			if (this.#tails.get(id) === tail) this.#tails.delete(id);
		};
		if (before !== undefined) {
			try {
				await (signal === undefined ? before : abortable(before, signal));
			} catch (error) {
				// The one before still has it: the place in the queue goes when that is through.
				resolve();
				void tail.then(release);
				throw error;
			}
		}
		return { [Symbol.dispose]: release };
	}

	/** The lock when nobody has it, else undefined: for work that can as well be done later. */
	tryTake(id: string): Disposable | undefined {
		if (this.#tails.has(id)) return undefined;
		const { promise, resolve } = Promise.withResolvers<void>();
		this.#tails.set(id, promise);
		return {
			[Symbol.dispose]: () => {
				resolve();
				if (this.#tails.get(id) === promise) this.#tails.delete(id);
			},
		};
	}

	isTaken(id: string): boolean {
		return this.#tails.has(id);
	}
}
