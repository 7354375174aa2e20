/**
 * How much is in directories: what is on the disk, each inode once, of one file system.
 *
 * A Worker walks (`usage-thread.ts`), so that the service's loop stays free. Who asks for a directory that somebody else has asked for
 * gets the answer to the same walk; a walk that nobody waits for any more ends.
 */
import { Worker } from "node:worker_threads";
import { giveUp } from "#lib/linux/given-up.ts";
import type { ArchiveCounts } from "../counting.ts";
import type { Amounts } from "../descriptions.ts";
import type { Progress } from "../job.ts";
import type { Amount } from "../volume.ts";

/** The sources and the bundle have it beside this file. */
const THREAD = new URL(import.meta.url.endsWith(".ts") ? "./usage-thread.ts" : "./usage-thread.js", import.meta.url);

/** A thread that does not drop a walk in this time waits inside the kernel, for a file system that does not answer. */
const STUCK_MS = 5_000;

/** With a path: to be walked. Without: nobody waits any more. */
export interface UsageOrder {
	readonly id: number;
	readonly path?: string;
}

export interface UsageAnswer {
	readonly id: number;
	/** Undefined: it is not there, or cannot be looked at. */
	readonly amount: Count | undefined;
}

interface Count {
	readonly bytes: number;
	readonly files: number;
	readonly archiveBytes: number;
}

interface Walk {
	readonly id: number;
	readonly path: string;
	readonly done: PromiseWithResolvers<Count | undefined>;
	waiters: number;
}

export class Usage implements Amounts, ArchiveCounts, AsyncDisposable {
	readonly #walks = new Map<number, Walk>();
	readonly #byPath = new Map<string, Walk>();
	/** Walks that the thread has been told to drop, and has not yet. */
	readonly #dropped = new Map<number, NodeJS.Timeout>();
	#worker: Worker | undefined;
	#lastId = 0;
	#isClosed = false;

	/** Undefined when there is no such directory, or when something in it cannot be looked at. Rejects with the signal's reason. */
	async of(path: string, signal: AbortSignal): Promise<Amount | undefined> {
		const [amount] = await this.ofAll([path], signal);
		return amount;
	}

	/** As `of`, in the order of `paths`. */
	async ofAll(paths: readonly string[], signal: AbortSignal): Promise<(Amount | undefined)[]> {
		const counts = await this.#count(paths, signal);
		return counts.map((count) => count && { bytes: BigInt(count.bytes), files: BigInt(count.files) });
	}

	/** As `of`, of what an archive of it has, with its root. */
	async ofArchive(path: string, signal: AbortSignal): Promise<Progress | undefined> {
		const [count] = await this.#count([path], signal);
		return count && { entries: count.files + 1, bytes: count.archiveBytes };
	}

	async #count(paths: readonly string[], signal: AbortSignal): Promise<(Count | undefined)[]> {
		signal.throwIfAborted();
		if (this.#isClosed) throw new Error("the usage of directories is not counted any more");
		const begun: Walk[] = [];
		const walks = paths.map((path) => {
			const walk = this.#byPath.get(path) ?? this.#begin(path, begun);
			walk.waiters++;
			return walk;
		});
		this.#send(begun.map(({ id, path }) => ({ id, path })));
		const aborted = Promise.withResolvers<never>();
		const abort = (): void => aborted.reject(signal.reason);
		signal.addEventListener("abort", abort, { once: true });
		try {
			return await Promise.race([Promise.all(walks.map(({ done }) => done.promise)), aborted.promise]);
		} finally {
			signal.removeEventListener("abort", abort);
			this.#leave(walks);
		}
	}

	#begin(path: string, begun: Walk[]): Walk {
		const walk = { id: ++this.#lastId, path, done: Promise.withResolvers<Count | undefined>(), waiters: 0 };
		// Whoever waited may have left.
		walk.done.promise.catch(() => undefined);
		this.#walks.set(walk.id, walk);
		this.#byPath.set(path, walk);
		begun.push(walk);
		return walk;
	}

	/** Those that nobody waits for any more end. */
	#leave(walks: readonly Walk[]): void {
		const over: UsageOrder[] = [];
		for (const walk of walks) {
			walk.waiters--;
			if (walk.waiters > 0 || !this.#walks.has(walk.id)) continue;
			this.#forget(walk);
			this.#dropped.set(
				walk.id,
				setTimeout(() => this.#replaceWorker(), STUCK_MS),
			);
			over.push({ id: walk.id });
		}
		this.#send(over);
	}

	#forget(walk: Walk): void {
		this.#walks.delete(walk.id);
		if (this.#byPath.get(walk.path) === walk) this.#byPath.delete(walk.path);
	}

	#send(orders: readonly UsageOrder[]): void {
		if (orders.length === 0) return;
		this.#worker ??= this.#start();
		this.#worker.ref();
		this.#worker.postMessage(orders);
	}

	#start(): Worker {
		const worker = new Worker(THREAD, { execArgv: [] });
		worker.on("message", (answers: readonly UsageAnswer[]) => this.#take(answers));
		// One that has been replaced has nothing to say any more.
		worker.on("error", (error) => worker === this.#worker && this.#fail(error));
		worker.on("exit", () => worker === this.#worker && this.#fail(new Error("the thread that counts usage ended")));
		return worker;
	}

	#take(answers: readonly UsageAnswer[]): void {
		for (const { id, amount } of answers) {
			clearTimeout(this.#dropped.get(id));
			this.#dropped.delete(id);
			const walk = this.#walks.get(id);
			if (walk === undefined) continue;
			this.#forget(walk);
			walk.done.resolve(amount);
		}
		if (this.#walks.size === 0) this.#worker?.unref();
	}

	/** Its thread ends when the kernel lets it; the others' walks begin anew in another one. */
	#replaceWorker(): void {
		const stuck = this.#worker;
		this.#forgetDropped();
		this.#worker = undefined;
		if (stuck !== undefined) giveUp(stuck);
		this.#send([...this.#walks.values()].map(({ id, path }) => ({ id, path })));
	}

	#fail(error: Error): void {
		this.#worker = undefined;
		this.#forgetDropped();
		for (const walk of this.#walks.values()) {
			this.#forget(walk);
			walk.done.reject(error);
		}
	}

	#forgetDropped(): void {
		for (const timer of this.#dropped.values()) clearTimeout(timer);
		this.#dropped.clear();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#isClosed = true;
		const worker = this.#worker;
		this.#fail(new Error("the usage of directories is not counted any more"));
		await worker?.terminate();
	}
}
