/** One at a time for each key, in the order of asking; keys do not wait for each other. */
export class Turns {
	readonly #last = new Map<string, Promise<unknown>>();

	async take<T>(key: string, body: () => Promise<T>): Promise<T> {
		const before = this.#last.get(key);
		const own = before === undefined ? body() : before.then(body, body);
		this.#last.set(key, own);
		try {
			return await own;
		} finally {
			if (this.#last.get(key) === own) this.#last.delete(key);
		}
	}
}
