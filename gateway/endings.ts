/**
 * The ends of containers' processes as promises: for those who wait, and for those who read on until then.
 *
 * Two moments: `exited` when the process has ended and its log is whole; `settled` when everything after it is done and stored, or
 * when it turns out that it cannot be stored.
 */
export class Endings {
	readonly #exited = new Map<string, PromiseWithResolvers<void>>();
	readonly #settled = new Map<string, PromiseWithResolvers<number | undefined>>();
	#undone: (() => void) | undefined;

	/** Resolves at the next end of its process, or when the container is removed. */
	exited(id: string): Promise<void> {
		return promiseIn(this.#exited, id);
	}

	/** Gives the exit status; undefined when the container was removed without having run. Rejects when the end cannot be stored. */
	settled(id: string): Promise<number | undefined> {
		return promiseIn(this.#settled, id);
	}

	tellExited(id: string): void {
		this.#exited.get(id)?.resolve();
		this.#exited.delete(id);
	}

	tellSettled(id: string, exitCode: number | undefined): void {
		this.tellExited(id);
		this.#settled.get(id)?.resolve(exitCode);
		this.#settled.delete(id);
	}

	/** All is done that can be. Those who wait are told why no more is. */
	tellUnstored(id: string, error: unknown): void {
		this.tellExited(id);
		this.#settled.get(id)?.reject(error);
		this.#settled.delete(id);
		this.tellUndone();
	}

	/** Something of an end is left to whoever reconciles. */
	tellUndone(): void {
		this.#undone?.();
	}

	/** One listener. */
	onUndone(listener: () => void): void {
		this.#undone = listener;
	}
}

function promiseIn<T>(map: Map<string, PromiseWithResolvers<T>>, id: string): Promise<T> {
	const found = map.get(id) ?? Promise.withResolvers<T>();
	map.set(id, found);
	found.promise.catch(() => undefined); // who asked may have gone away
	return found.promise;
}
