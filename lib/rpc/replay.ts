/**
 * Mutations happen once per request id: a repeated one gets the stored answer, or joins the one in flight.
 *
 * One entry per method and request id while the work runs; what outlives it is in the service's store. The work has a signal of its
 * own, aborted when the last caller has gone: a caller who leaves takes nothing from the others.
 */
import { createHash } from "node:crypto";
import type { Fault } from "#lib/fault/fault.ts";
import type { Log } from "#lib/log/log.ts";
import type { Statement } from "#lib/store/statement.ts";
import { abortable } from "#lib/concurrency/abortable.ts";
import { methodName } from "./definition.ts";
import { rpcFaults } from "./faults.ts";

/** Where answers are kept: a `Store` is one. */
export interface AnswerStore {
	readonly replays: {
		find(method: string, requestId: string): { readonly bodyHash: string; readonly answer: Uint8Array } | undefined;
		record(method: string, requestId: string, bodyHash: string, answer: Uint8Array): Statement;
		amend(method: string, requestId: string, answer: Uint8Array): Statement;
	};
	write(statements: readonly Statement[]): Promise<void>;
}

/** One attempt at a mutation, in bytes. */
export interface Attempt {
	readonly method: string;
	/** Empty: the client will not repeat it, so nothing is kept. */
	readonly requestId: string;
	/** The request's bytes, asked for only where there is an id; equal requests give equal bytes. */
	readonly body: () => Uint8Array;
	/** This caller's. */
	readonly signal: AbortSignal;
	/** Does the work and gives the answer's bytes; `keep` makes the statements that store an answer. */
	readonly work: (signal: AbortSignal, keep: (answer: Uint8Array) => Statement[]) => Promise<Uint8Array>;
}

interface InFlight {
	readonly bodyHash: string;
	readonly answer: Promise<Uint8Array>;
	readonly abort: AbortController;
	callers: number;
}

export class ReplayTable {
	readonly #store: AnswerStore | undefined;
	readonly #log: Log;
	readonly #inFlight = new Map<string, InFlight>();

	/** Without a store, repeated requests join what is in flight and run again after it. */
	constructor(store: AnswerStore | undefined, log: Log) {
		this.#store = store;
		this.#log = log;
	}

	/** Resolves when no work is left; for shutdown. */
	async settled(): Promise<void> {
		while (this.#inFlight.size > 0) await Promise.allSettled([...this.#inFlight.values()].map((entry) => entry.answer));
	}

	async perform(attempt: Attempt): Promise<Uint8Array> {
		const key = attempt.requestId === "" ? crypto.randomUUID() : `${attempt.method} ${attempt.requestId}`;
		const bodyHash = attempt.requestId === "" ? "" : createHash("sha256").update(attempt.body()).digest("hex");
		for (;;) {
			const entry = this.#inFlight.get(key);
			if (!entry) {
				const kept =
					attempt.requestId === "" ? undefined : this.#store?.replays.find(attempt.method, attempt.requestId);
				if (!kept) return this.#wait(key, this.#start(key, bodyHash, attempt), attempt.signal);
				if (kept.bodyHash !== bodyHash) throw reused(attempt);
				return kept.answer;
			}
			if (entry.bodyHash !== bodyHash) throw reused(attempt);
			if (!entry.abort.signal.aborted) return this.#wait(key, entry, attempt.signal);
			// Everybody had gone and it is being undone: this attempt comes after that.
			await abortable(Promise.allSettled([entry.answer]), attempt.signal);
		}
	}

	#start(key: string, bodyHash: string, attempt: Attempt): InFlight {
		const abort = new AbortController();
		const answer = this.#run(key, bodyHash, attempt, abort.signal);
		answer.catch(() => undefined); // each caller who is still there hears of it through #wait
		const entry = { bodyHash, answer, abort, callers: 0 };
		this.#inFlight.set(key, entry);
		return entry;
	}

	async #run(key: string, bodyHash: string, attempt: Attempt, signal: AbortSignal): Promise<Uint8Array> {
		const { method, requestId } = attempt;
		const store = requestId === "" ? undefined : this.#store;
		let kept: Uint8Array | undefined;
		const keep = (answer: Uint8Array): Statement[] => {
			kept = answer;
			return store ? [store.replays.record(method, requestId, bodyHash, answer)] : [];
		};
		await Promise.resolve(); // the entry is in the table before the work begins
		try {
			const answer = await attempt.work(signal, keep);
			if (store && kept === undefined) await this.#keepLate(store, keep(answer), attempt);
			// Some of it was not known yet when it was kept.
			else if (store && Buffer.compare(kept ?? answer, answer) !== 0)
				await this.#keepLate(store, [store.replays.amend(method, requestId, answer)], attempt);
			return answer;
		} finally {
			this.#inFlight.delete(key);
		}
	}

	/** The work is done and the caller is told so, whether its answer can be kept or not. */
	async #keepLate(store: AnswerStore, statements: Statement[], { method, requestId }: Attempt): Promise<void> {
		try {
			await store.write(statements);
		} catch (error) {
			this.#log.error("answer not kept", { method, requestId, err: error });
		}
	}

	async #wait(key: string, entry: InFlight, signal: AbortSignal): Promise<Uint8Array> {
		entry.callers += 1;
		try {
			return await abortable(entry.answer, signal);
		} finally {
			entry.callers -= 1;
			if (entry.callers === 0 && this.#inFlight.get(key) === entry) entry.abort.abort(signal.reason);
		}
	}
}

function reused({ method, requestId }: Attempt): Fault {
	return rpcFaults.REQUEST_ID_REUSED({ method: methodName(method), requestId }, { field: "request_id" });
}
