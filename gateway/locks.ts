/** One operation at a time on a container, within this process. */
export class Locks {
	readonly #tails = new Map<string, Promise<void>>();

	/** Waits for its turn; `using` gives it up. Not reentrant. */
	async take(id: string): Promise<Disposable> {
		const before = this.#tails.get(id);
		const { promise, resolve } = Promise.withResolvers<void>();
		const tail = (before ?? Promise.resolve()).then(() => promise);
		this.#tails.set(id, tail);
		await before;
		return {
			[Symbol.dispose]: () => {
				resolve();
				if (this.#tails.get(id) === tail) this.#tails.delete(id);
			},
		};
	}
}
