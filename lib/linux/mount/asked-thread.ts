/**
 * A Worker that is asked one thing at a time and answers each with one message; it does not keep the process alive. It starts with the
 * first question: it takes 10 MB, and most that could be asked never are.
 *
 * One that does not answer waits inside the kernel, for a file system that does not either. It is left to itself, and ends when it has
 * answered after all; others are asked of another one.
 */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { giveUp } from "../given-up.ts";
import { LinuxError } from "../libc.ts";

const ETIMEDOUT = 110;
/** Longer than anything takes that is not for ever, and shorter than callers wait. */
const BOUND_MS = 5_000;

export class AskedThread<Question, Answer> implements AsyncDisposable {
	#worker: Worker | undefined;
	readonly #program: URL;
	readonly #what: string;
	readonly #boundMs: number;
	#last: Promise<unknown> = Promise.resolve();
	/** It has loaded, and answered all that it was asked. */
	#isIdle = false;

	/** `what` it does, for the error when it ends: "makes jails". */
	constructor(program: URL, what: string, boundMs = BOUND_MS) {
		this.#program = program;
		this.#what = what;
		this.#boundMs = boundMs;
	}

	/** In the order of asking. LinuxError ETIMEDOUT: it was given up. An Error when the thread has ended. */
	ask(question: Question): Promise<Answer> {
		const answer = this.#last.then(() => this.#ask(question));
		this.#last = answer.catch(() => undefined);
		return answer;
	}

	async #ask(question: Question): Promise<Answer> {
		const worker = (this.#worker ??= start(this.#program));
		worker.ref();
		const asked = new AbortController();
		const { signal } = asked;
		try {
			const reply = once(worker, "message", { signal });
			const ended = once(worker, "exit", { signal });
			const late = sleep(this.#boundMs, undefined, { signal });
			for (const one of [ended, late]) one.catch(() => undefined);
			this.#isIdle = false;
			worker.postMessage(question);
			const first = await Promise.race([reply, ended.then(() => "ended" as const), late.then(() => "late" as const)]);
			if (first === "late") this.#giveUp(worker);
			if (first === "late") throw new LinuxError(ETIMEDOUT, `what ${this.#what}`);
			if (first === "ended") throw new Error(`the thread that ${this.#what} ended`);
			this.#isIdle = true;
			return first[0] as Answer; // the one kind of message that the thread sends
		} finally {
			asked.abort();
			worker.unref();
		}
	}

	#giveUp(stuck: Worker): void {
		giveUp(stuck);
		this.#worker = undefined;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		const worker = this.#worker;
		if (worker === undefined) return;
		// Ended while it loads or works, it would take the process along.
		if (this.#isIdle) await worker.terminate();
		else giveUp(worker);
	}
}

function start(program: URL): Worker {
	// Without tracking, the descriptors that the thread opens are the process's.
	const worker = new Worker(program, { trackUnmanagedFds: false, execArgv: [] });
	worker.unref();
	return worker;
}
