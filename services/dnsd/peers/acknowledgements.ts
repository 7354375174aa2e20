/** What is said back on a watch: the latest revision that holds. Those that were not sent yet are overtaken by it. */
import type { WatchNamesRequest } from "#gen/wharf/network/v1/endpoint.ts";

export class Acknowledgements implements AsyncIterable<WatchNamesRequest> {
	#latest: bigint | undefined = 0n;
	#wake: () => void = () => undefined;

	/** Everything up to this revision is in the answers and in the sockets. */
	say(revision: bigint): void {
		this.#latest = revision;
		this.#wake();
	}

	/** Never ends by itself; who iterates stops. The first is 0: it opens the stream. */
	async *[Symbol.asyncIterator](): AsyncGenerator<WatchNamesRequest> {
		for (;;) {
			if (this.#latest === undefined) {
				const { promise, resolve } = Promise.withResolvers<void>();
				this.#wake = resolve;
				await promise;
				continue;
			}
			const acknowledgedRevision = this.#latest;
			this.#latest = undefined;
			yield { acknowledgedRevision };
		}
	}
}
