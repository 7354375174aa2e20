/** One at a time for each name, in the order of asking; other names do not wait. For work that wants several names at once. */
export class Turns {
	readonly #last = new Map<string, Promise<unknown>>();

	/** Takes the turns of all names at once, so that two who want the same ones cannot wait for each other. */
	async take<T>(names: readonly string[], body: () => Promise<T>): Promise<T> {
		const before = names.map((name) => this.#last.get(name)).filter((turn) => turn !== undefined);
		const own = before.length === 0 ? body() : Promise.allSettled(before).then(body);
		for (const name of names) this.#last.set(name, own);
		try {
			return await own;
		} finally {
			for (const name of names) if (this.#last.get(name) === own) this.#last.delete(name);
		}
	}
}
