/**
 * The caller's end of the writer thread: while one group is being committed, the next one gathers. What no disk is waited for is
 * committed by the caller while the thread rests; and, where that is wanted, what comes alone.
 *
 * Transactions are committed, and their callers answered, in the order in which they were submitted.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { errorOf } from "./errors.ts";
import { storeFaults } from "./faults.ts";
import type { GroupResult, Transaction } from "./group.ts";
import { InlineWriter } from "./inline-writer.ts";
import type { SqlValue, Statement } from "./statement.ts";
import type { FromWriter, ToWriter, WriterData } from "./writer.ts";

interface Pending {
	readonly transaction: Transaction;
	readonly resolve: () => void;
	readonly reject: (error: Error) => void;
}

export interface WriterOptions extends WriterData {
	/** A transaction that comes alone, while nothing is being written, is committed by the caller, who waits for the disk. */
	readonly commitsLoneHere: boolean;
}

/** Only the thread moves what was written out of the log: it has its turn after so many. */
const HERE_IN_A_ROW = 200;

/** The same program from the sources and from a bundle, where it is an entry of its own beside the bundle. */
const PROGRAM = new URL(import.meta.url.endsWith(".ts") ? "./writer.ts" : "./writer.js", import.meta.url);

export class WriterThread {
	readonly #path: string;
	readonly #commitsLoneHere: boolean;
	readonly #worker: Worker;
	/** Opened by the first who needs it: most services never do. */
	#inline: InlineWriter | undefined;
	readonly #ended: Promise<unknown>;
	readonly #onCommit: () => void;
	#waiting: Pending[] = [];
	#running: readonly Pending[] = [];
	#scheduled = false;
	/** Committed by the caller since the thread's last turn. */
	#here = 0;
	#last: Promise<void> = Promise.resolve();
	/** Why nothing can be submitted any more. */
	#closed: string | undefined;
	#transactions = 0;
	#commits = 0;

	private constructor(
		{ path, commitsLoneHere }: WriterOptions,
		worker: Worker,
		ended: Promise<unknown>,
		onCommit: () => void,
	) {
		this.#path = path;
		this.#commitsLoneHere = commitsLoneHere;
		this.#worker = worker;
		this.#onCommit = onCommit;
		this.#ended = ended;
		worker.on("message", (message: FromWriter) => {
			if (message.kind === "done") this.#answer(message);
		});
		worker.on("error", (error) => this.#fail(`the writer thread failed: ${String(error)}`));
		worker.on("exit", () => this.#fail("the writer thread has ended"));
	}

	/** Starts the thread, which opens the file and brings it to its version. `onCommit` runs after each COMMIT that has come back. */
	static async start(options: WriterOptions, onCommit: () => void): Promise<WriterThread> {
		const data: WriterData = { path: options.path, migrations: options.migrations };
		// Options of this process's command line may not be meant for a thread (--input-type is an error there).
		const worker = new Worker(PROGRAM, { workerData: data, execArgv: [] });
		// Heard of from the beginning: a thread that fails ends at once, and both events may come in one turn.
		const ended = new Promise((resolve) => void worker.once("exit", resolve));
		// The program's first message, always: see its head.
		const [first] = (await once(worker, "message")) as [FromWriter];
		if (first.kind === "failed") {
			await ended;
			throw errorOf(first.failure, data.path);
		}
		return new WriterThread(options, worker, ended, onCommit);
	}

	get stats(): { readonly transactions: number; readonly commits: number } {
		return { transactions: this.#transactions, commits: this.#commits };
	}

	submit(statements: readonly Statement[], { durable }: { readonly durable: boolean }): Promise<void> {
		if (this.#closed !== undefined) return Promise.reject(this.#unavailable(this.#closed));
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		const isResting = this.#running.length + this.#waiting.length === 0;
		if (isResting && !durable && this.#commitsHere({ transaction: { statements, durable }, resolve, reject }))
			return promise;
		this.#waiting.push({ transaction: { statements: statements.map(compact), durable }, resolve, reject });
		this.#last = promise;
		this.#schedule();
		return promise;
	}

	/** Resolves when all that was submitted is answered and the file is closed. */
	async close(): Promise<void> {
		this.#closed ??= "it is closed";
		await this.#last.catch(() => undefined);
		this.#inline?.[Symbol.dispose]();
		this.#send({ kind: "close" });
		await this.#ended;
	}

	/** Commits and answers it. False: the thread is to try, as it waits for another program that has the file. */
	#commitsHere({ transaction, resolve, reject }: Pending): boolean {
		this.#inline ??= new InlineWriter(this.#path);
		const { outcomes, commits } = this.#inline.commit(transaction);
		const [failure] = outcomes;
		if (failure?.kind === "unavailable") return false;
		this.#here += 1;
		this.#transactions += 1;
		this.#commits += commits;
		if (commits > 0) this.#onCommit();
		if (failure) reject(errorOf(failure, this.#path));
		else resolve();
		return true;
	}

	/** Not at once: what others submit in the same turn of the loop goes along. */
	#schedule(): void {
		if (this.#scheduled || this.#running.length > 0 || this.#waiting.length === 0) return;
		this.#scheduled = true;
		setImmediate(() => {
			this.#scheduled = false;
			const group = this.#waiting;
			this.#waiting = [];
			if (this.#commitsLone(group)) return;
			this.#here = 0;
			this.#running = group;
			this.#send({ kind: "commit", group: this.#running.map(({ transaction }) => transaction) });
		});
	}

	/** False: it is for the thread. */
	#commitsLone([lone, ...others]: readonly Pending[]): boolean {
		if (!this.#commitsLoneHere || lone === undefined || others.length > 0 || this.#here >= HERE_IN_A_ROW) return false;
		return this.#commitsHere(lone);
	}

	#answer({ outcomes, commits }: GroupResult): void {
		const group = this.#running;
		this.#running = [];
		this.#transactions += group.length;
		this.#commits += commits;
		this.#schedule();
		for (const [index, { resolve, reject }] of group.entries()) {
			const failure = outcomes[index];
			if (failure === null) resolve();
			else reject(failure ? errorOf(failure, this.#path) : this.#unavailable("the writer thread lost an answer"));
		}
		if (commits > 0) this.#onCommit();
	}

	#fail(problem: string): void {
		this.#closed ??= problem;
		const lost = [...this.#running, ...this.#waiting];
		this.#running = [];
		this.#waiting = [];
		for (const { reject } of lost) reject(this.#unavailable(problem));
	}

	#unavailable(problem: string): Error {
		return storeFaults.STORE_UNAVAILABLE({ path: this.#path, problem });
	}

	#send(message: ToWriter): void {
		// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window and has no origin.
		this.#worker.postMessage(message);
	}
}

/** Cloning a view to another thread takes all of the buffer behind it, which for a pooled Buffer is 8 KiB of others' bytes. */
function compact(statement: Statement): Statement {
	const { params } = statement;
	return params?.some(isPartial) ? { ...statement, params: params.map(own) } : statement;
}

function isPartial(value: SqlValue): value is Uint8Array {
	return value instanceof Uint8Array && value.byteLength !== value.buffer.byteLength;
}

function own(value: SqlValue): SqlValue {
	return isPartial(value) ? new Uint8Array(value) : value;
}
