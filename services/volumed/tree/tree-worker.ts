/** A Worker that is busy with a tree (`tree-thread.ts`): it is told what to do, and what it answers comes one by one. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { giveUp } from "#lib/linux/given-up.ts";
import { errorOf, type TreeOrder, type TreeReply } from "./messages.ts";

/** The sources and the bundle have it beside this file. */
const THREAD = new URL(import.meta.url.endsWith(".ts") ? "./tree-thread.ts" : "./tree-thread.js", import.meta.url);

/** A thread that does not drop its job in this time waits inside the kernel, for a file system that does not answer. */
const STUCK_MS = 5_000;

export class TreeWorker {
	readonly #worker: Worker;
	readonly #ready: Promise<unknown>;
	readonly #replies: TreeReply[] = [];
	/** Who waits for the next reply, or the end. */
	readonly #waiting = new Set<() => void>();
	#ended: Error | undefined;

	constructor() {
		// Without tracking, the descriptors that the thread opens are the process's.
		this.#worker = new Worker(THREAD, { trackUnmanagedFds: false, execArgv: [] });
		this.#ready = once(this.#worker, "message");
		// What it says first is that it is ready.
		this.#worker.once("message", () => {
			this.#worker.on("message", (reply: TreeReply) => {
				this.#replies.push(reply);
				this.#wake();
			});
		});
		const ended = (error: Error): void => {
			this.#ended ??= error;
			this.#wake();
		};
		this.#worker.on("error", ended);
		this.#worker.on("exit", () => ended(new Error("the archiver's thread ended")));
	}

	/** It keeps the process alive until `drop`. */
	async begin(): Promise<void> {
		this.#worker.ref();
		await this.#ready;
	}

	send(order: TreeOrder, transfer: ArrayBuffer[] = []): void {
		this.#worker.postMessage(order, transfer);
	}

	/** The next thing that it says. Throws what it failed with, and the signal's reason. */
	async next(signal: AbortSignal): Promise<TreeReply> {
		for (;;) {
			signal.throwIfAborted();
			const reply = this.#replies.shift();
			if (reply?.kind === "failed") throw errorOf(reply.failure);
			if (reply !== undefined) return reply;
			if (this.#ended !== undefined) throw this.#ended;
			await this.#news(signal);
		}
	}

	/** True when it answered and can be given another job. */
	async drop(): Promise<boolean> {
		if (this.#ended !== undefined) return false;
		this.send({ kind: "drop" });
		const signal = AbortSignal.timeout(STUCK_MS);
		try {
			while (this.#replies.shift()?.kind !== "dropped") if (this.#replies.length === 0) await this.#dropping(signal);
			this.#worker.unref();
			return true;
		} catch {
			// What it has open goes with its job.
			giveUp(this.#worker, (reply) => (reply as TreeReply).kind === "dropped");
			return false;
		}
	}

	async #dropping(signal: AbortSignal): Promise<void> {
		if (this.#ended !== undefined) throw this.#ended;
		signal.throwIfAborted();
		await this.#news(signal);
	}

	#news(signal: AbortSignal): Promise<void> {
		return new Promise((resolve) => {
			const over = (): void => {
				signal.removeEventListener("abort", over);
				this.#waiting.delete(over);
				resolve();
			};
			this.#waiting.add(over);
			signal.addEventListener("abort", over, { once: true });
		});
	}

	#wake(): void {
		for (const wake of this.#waiting) wake();
	}

	/** One that waits inside the kernel is not waited for. */
	async end(): Promise<void> {
		// Who waits for this may have nothing else to live for.
		this.#worker.ref();
		if (!(await this.drop())) return;
		this.#worker.ref();
		await this.#worker.terminate();
	}
}
