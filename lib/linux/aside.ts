/**
 * Calls of this folder on threads of their own, for those that wait inside the kernel: for a disk, for a transaction, for a server.
 *
 * The process sees what they do as if it did it itself: mounts and files are the process's. Unlike `checkedAside` of libc.ts the error is kept.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Operations } from "./aside-thread.ts";
import { giveUp } from "./given-up.ts";
import { LinuxError } from "./libc.ts";

/** The sources and the bundle have it beside this file. */
const THREAD = new URL(import.meta.url.endsWith(".ts") ? "./aside-thread.ts" : "./aside-thread.js", import.meta.url);

const ETIMEDOUT = 110;

export type AsideReply =
	| { readonly value: unknown }
	| { readonly errno: number; readonly call: string }
	/** Node's own, of `fs`. */
	| { readonly code: string; readonly text: string }
	| { readonly bug: string };

interface Asked {
	readonly name: keyof Operations;
	readonly question: unknown;
	readonly settle: (reply: AsideReply | Error) => void;
}

interface Thread {
	readonly worker: Worker;
	/** It has loaded what it runs: on a busy machine that takes a while, which is nobody's call's. */
	readonly ready: Promise<unknown>;
}

/** How long calls wait for the one before them; then they go on another thread, as nobody knows how long that one will be. */
const PATIENCE_MS = 1_000;

/** One thread is kept, for one call after the other: its start costs more than hundreds of them. */
export class Aside implements AsyncDisposable {
	readonly #boundMs: number;
	readonly #patienceMs: number;
	readonly #waiting: Asked[] = [];
	#idle: Thread | undefined;
	/** Whose call the waiting ones wait for. */
	#busy: Thread | undefined;

	/** After `boundMs` a call is given up; after `patienceMs` the next one goes on another thread. */
	constructor(boundMs = 30_000, patienceMs = PATIENCE_MS) {
		this.#boundMs = boundMs;
		this.#patienceMs = patienceMs;
	}

	/** As the call itself, later. LinuxError ETIMEDOUT: it was given up and may come to its end all the same. */
	async call<K extends keyof Operations>(
		name: K,
		...args: Parameters<Operations[K]>
	): Promise<ReturnType<Operations[K]>> {
		const reply = await new Promise<AsideReply | Error>((settle) => {
			this.#waiting.push({ name, question: { name, args }, settle });
			this.#next();
		});
		if (reply instanceof Error) throw reply;
		return valueOf(reply) as ReturnType<Operations[K]>; // what that operation returned
	}

	#next(): void {
		if (this.#busy !== undefined) return;
		const asked = this.#waiting.shift();
		if (asked === undefined) return;
		const thread = this.#idle ?? start();
		this.#idle = undefined;
		this.#busy = thread;
		void this.#run(thread, asked);
	}

	async #run(thread: Thread, { name, question, settle }: Asked): Promise<void> {
		const { worker, ready } = thread;
		worker.ref();
		try {
			await ready;
			const reply = await this.#ask(thread, question);
			if (reply !== undefined) this.#keep(thread);
			// It ends when the kernel lets it; nobody has anything more for it to do.
			else giveUp(worker);
			settle(reply ?? new LinuxError(ETIMEDOUT, name));
		} catch (error) {
			settle(error instanceof Error ? error : new Error(String(error)));
		} finally {
			worker.unref();
			this.#leave(thread);
		}
	}

	/** Nobody waits for that thread any longer. */
	#leave(thread: Thread): void {
		if (this.#busy !== thread) return;
		this.#busy = undefined;
		this.#next();
	}

	/** For the next call, unless there is one for that by now. */
	#keep(thread: Thread): void {
		if (this.#busy === thread) this.#idle = thread;
		else void thread.worker.terminate();
	}

	/** Undefined: there is none within the bound. */
	async #ask(thread: Thread, question: unknown): Promise<AsideReply | undefined> {
		const { worker } = thread;
		const settled = new AbortController();
		const patience = setTimeout(() => this.#leave(thread), this.#patienceMs);
		const bound = setTimeout(() => settled.abort(), this.#boundMs);
		try {
			const answered = once(worker, "message", { signal: settled.signal });
			worker.postMessage(question);
			const [reply] = (await answered) as [AsideReply]; // the one kind of message that the thread sends
			return reply;
		} catch (error) {
			if (settled.signal.aborted) return undefined;
			throw error;
		} finally {
			clearTimeout(bound);
			clearTimeout(patience);
			settled.abort();
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#idle?.worker.terminate();
		this.#idle = undefined;
		// Ended while it loads or works, it would take the process along.
		if (this.#busy !== undefined) giveUp(this.#busy.worker);
	}
}

function start(): Thread {
	const worker = new Worker(THREAD, { trackUnmanagedFds: false, execArgv: [] });
	worker.unref();
	return { worker, ready: once(worker, "message") };
}

function valueOf(reply: AsideReply): unknown {
	if ("value" in reply) return reply.value;
	if ("errno" in reply) throw new LinuxError(reply.errno, reply.call);
	if ("code" in reply) throw Object.assign(new Error(reply.text), { code: reply.code });
	throw new Error(reply.bug);
}
