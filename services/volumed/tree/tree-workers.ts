/**
 * The threads for trees: each job has one for itself.
 *
 * Of those of a kind that are idle one is kept: what it runs is compiled, which makes the next job twice as fast.
 */
import { abortable } from "#lib/concurrency/abortable.ts";
import type { TreeOrder, TreeReply } from "./messages.ts";
import { TreeWorker } from "./tree-worker.ts";

/** What they go through: a tree, or an archive beside the thread that packs it. */
export type TreeWork = "tree" | "archive";

/** A thread for one job. */
export interface TreeLoan {
	send(order: TreeOrder, transfer?: ArrayBuffer[]): void;
	/** The next thing that it says. Throws what it failed with, and the signal's reason. */
	next(signal: AbortSignal): Promise<TreeReply>;
	[Symbol.asyncDispose](): Promise<void>;
}

export class TreeWorkers implements AsyncDisposable {
	readonly #all = new Set<TreeWorker>();
	readonly #idle = new Map<TreeWork, TreeWorker>();

	/** Resolves when the thread is ready. Given back it drops its job, whatever that has come to. Throws the signal's reason. */
	async take(work: TreeWork, signal: AbortSignal): Promise<TreeLoan> {
		const worker = this.#idle.get(work) ?? new TreeWorker();
		this.#idle.delete(work);
		this.#all.add(worker);
		const giveBack = (): Promise<void> => this.#release(work, worker);
		try {
			await abortable(worker.begin(), signal);
		} catch (error) {
			void giveBack(); // one that begins late is not waited for
			throw error;
		}
		return {
			send: (order, transfer) => worker.send(order, transfer),
			next: (signal) => worker.next(signal),
			[Symbol.asyncDispose]: giveBack,
		};
	}

	async #release(work: TreeWork, worker: TreeWorker): Promise<void> {
		const isFree = await worker.drop();
		if (isFree && !this.#idle.has(work)) {
			this.#idle.set(work, worker);
			return;
		}
		this.#all.delete(worker);
		if (isFree) await worker.end();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await Promise.all([...this.#all].map((worker) => worker.end()));
	}
}
