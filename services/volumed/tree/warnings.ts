/** What is to be told of entries: of many the first ones, and how many there were. What is said of one later counts instead. */
const MOST = 1_000;

export class Warnings {
	readonly #texts = new Map<string, string>();
	#more = 0;

	add(path: string, text: string): void {
		if (this.#texts.size < MOST || this.#texts.has(path)) this.#texts.set(path, text);
		else this.#more += 1;
	}

	/** What was said of it is not so any more. */
	forget(path: string): void {
		this.#texts.delete(path);
	}

	all(): string[] {
		const texts = [...this.#texts.values()];
		return this.#more === 0 ? texts : [...texts, `and ${this.#more} more`];
	}
}
