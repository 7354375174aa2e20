/** A Worker that is asked one thing at a time and answers each with one message; it does not keep the process alive. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";

export class AskedTooLong extends Error {
	override readonly name = "AskedTooLong";
}

export class AskedThread<Question, Answer> implements AsyncDisposable {
	readonly #program: URL;
	readonly #what: string;
	readonly #deadlineMs: number | undefined;
	#worker: Worker;
	#last: Promise<unknown> = Promise.resolve();

	/**
	 * `what` it does, for the error when it ends: "makes jails". A question that takes longer than `deadlineMs` is an AskedTooLong, and
	 * the next one is asked of a new thread.
	 */
	constructor(program: URL, what: string, deadlineMs?: number) {
		this.#program = program;
		this.#what = what;
		this.#deadlineMs = deadlineMs;
		this.#worker = this.#start();
	}

	#start(): Worker {
		// Without tracking, the descriptors that the thread opens are the process's.
		const worker = new Worker(this.#program, { trackUnmanagedFds: false, execArgv: [] });
		worker.unref();
		return worker;
	}

	/** In the order of asking. An Error when the thread has ended. */
	ask(question: Question): Promise<Answer> {
		const answer = this.#last.then(() => this.#ask(question));
		this.#last = answer.catch(() => undefined);
		return answer;
	}

	async #ask(question: Question): Promise<Answer> {
		const worker = this.#worker;
		worker.ref();
		const asked = new AbortController();
		const { promise: tooLong, reject } = Promise.withResolvers<never>();
		const giveUp = (): void => reject(this.#abandon(worker));
		const timer = this.#deadlineMs === undefined ? undefined : setTimeout(giveUp, this.#deadlineMs);
		try {
			const reply = once(worker, "message", { signal: asked.signal });
			const ended = once(worker, "exit", { signal: asked.signal });
			worker.postMessage(question);
			const first = await Promise.race([reply, ended.then(() => undefined), tooLong]);
			if (first === undefined) throw new Error(`the thread that ${this.#what} ended`);
			return first[0] as Answer; // the one kind of message that the thread sends
		} finally {
			clearTimeout(timer);
			asked.abort();
			worker.unref();
		}
	}

	/** Nobody can end a thread that waits in the kernel: it is left to itself, and ends when it has answered. */
	#abandon(worker: Worker): AskedTooLong {
		worker.once("message", () => void worker.terminate());
		this.#worker = this.#start();
		return new AskedTooLong(`the thread that ${this.#what} does not answer`);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#worker.terminate();
	}
}
