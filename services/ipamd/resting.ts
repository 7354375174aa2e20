/** What was given back and waits before it is used again: first in, first out, with removal from the middle; all in constant time. */

interface Entry {
	readonly value: number;
	readonly since: number;
	gone: boolean;
}

/** Dead entries are dropped when there are this many, and as many as live ones. */
const COMPACT_AT = 64;

export class Resting {
	#queue: Entry[] = [];
	#head = 0;
	readonly #entries = new Map<number, Entry>();

	get count(): number {
		return this.#entries.size;
	}

	/** Since when it rests; undefined when it does not. */
	since(value: number): number | undefined {
		return this.#entries.get(value)?.since;
	}

	/** Puts it at the end; it must not be resting. */
	push(value: number, since: number): void {
		const entry = { value, since, gone: false };
		this.#entries.set(value, entry);
		this.#queue.push(entry);
	}

	/** Puts it back where it was: before all that rest since then or later. For undoing, so it may take time. */
	putBack(value: number, since: number): void {
		const entry = { value, since, gone: false };
		const later = this.#queue.findIndex((other, index) => index >= this.#head && !other.gone && other.since >= since);
		this.#entries.set(value, entry);
		this.#queue.splice(later < 0 ? this.#queue.length : later, 0, entry);
	}

	/** The one that rests longest; it stays. */
	oldest(): { readonly value: number; readonly since: number } | undefined {
		while (this.#queue[this.#head]?.gone) this.#head++;
		return this.#queue[this.#head];
	}

	/** False when it was not resting. */
	delete(value: number): boolean {
		const entry = this.#entries.get(value);
		if (entry === undefined) return false;
		entry.gone = true;
		this.#entries.delete(value);
		this.#compact();
		return true;
	}

	#compact(): void {
		const dead = this.#queue.length - this.#entries.size;
		if (dead < COMPACT_AT || dead < this.#entries.size) return;
		this.#queue = this.#queue.filter((entry) => !entry.gone);
		this.#head = 0;
	}
}
