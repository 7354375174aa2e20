/** A Worker that is asked one thing at a time and answers each with one message; it does not keep the process alive. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";

export class AskedThread<Question, Answer> implements AsyncDisposable {
	readonly #worker: Worker;
	readonly #what: string;
	#last: Promise<unknown> = Promise.resolve();

	/** `what` it does, for the error when it ends: "makes jails". */
	constructor(program: URL, what: string) {
		// Without tracking, the descriptors that the thread opens are the process's.
		this.#worker = new Worker(program, { trackUnmanagedFds: false, execArgv: [] });
		this.#worker.unref();
		this.#what = what;
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
		try {
			const reply = once(worker, "message", { signal: asked.signal });
			const ended = once(worker, "exit", { signal: asked.signal });
			worker.postMessage(question);
			const first = await Promise.race([reply, ended.then(() => undefined)]);
			if (first === undefined) throw new Error(`the thread that ${this.#what} ended`);
			return first[0] as Answer; // the one kind of message that the thread sends
		} finally {
			asked.abort();
			worker.unref();
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#worker.terminate();
	}
}
