/**
 * The threads for trees: each job has one for itself.
 *
 * Of those that are idle one is kept: what it runs is compiled, which makes the next job twice as fast.
 */
import type { TreeOrder, TreeReply } from "./messages.ts";
import { TreeWorker } from "./tree-worker.ts";

/** A thread for one job. */
export interface TreeLoan {
	send(order: TreeOrder, transfer?: ArrayBuffer[]): void;
	/** The next thing that it says. Throws what it failed with, and the signal's reason. */
	next(signal: AbortSignal): Promise<TreeReply>;
	[Symbol.asyncDispose](): Promise<void>;
}

export class TreeWorkers implements AsyncDisposable {
	readonly #all = new Set<TreeWorker>();
	#idle: TreeWorker | undefined;

	/** Resolves when the thread is ready. Given back it drops its job, whatever that has come to. */
	async take(): Promise<TreeLoan> {
		const worker = this.#idle ?? new TreeWorker();
		this.#idle = undefined;
		this.#all.add(worker);
		const giveBack = (): Promise<void> => this.#release(worker);
		try {
			await worker.begin();
		} catch (error) {
			await giveBack();
			throw error;
		}
		return {
			send: (order, transfer) => worker.send(order, transfer),
			next: (signal) => worker.next(signal),
			[Symbol.asyncDispose]: giveBack,
		};
	}

	async #release(worker: TreeWorker): Promise<void> {
		const isFree = await worker.drop();
		if (isFree && this.#idle === undefined) {
			this.#idle = worker;
			return;
		}
		this.#all.delete(worker);
		if (isFree) await worker.end();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await Promise.all([...this.#all].map((worker) => worker.end()));
	}
}
