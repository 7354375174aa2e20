/**
 * Drains the outbox to JetStream, one event at a time, in the order of their commits.
 *
 * A row is deleted only after the server has stored it, and sent again when that is not known; the message id makes the second one
 * harmless. One at a time, because of several in flight a later one may be stored when an earlier one is not.
 */
import { abortable } from "#lib/concurrency/abortable.ts";
import { type NatsConnection, type JetStreamClient, NatsError } from "nats";
import { killPoint } from "#lib/config/kill-point.ts";
import type { Log } from "#lib/log/log.ts";
import type { Store } from "#lib/store/store.ts";
import { BackOff, closeConnection, openConnection } from "./connection.ts";
import { identified, messageId, type Origin } from "./entry.ts";
import type { NatsSettings } from "./nats-settings.ts";
import { ensureStream } from "./stream.ts";
import { Wake } from "./wake.ts";

const BATCH = 256;
const ACK_TIMEOUT_MS = 5_000;
/** Deletions are gathered: a commit for each event would double the work of the disk. */
const DELETE_AFTER_MS = 100;
/** How long close() still publishes what waits, when NATS is there. */
const DRAIN_MS = 500;
const CLOSE_MS = 900;
const FIRST_THRESHOLD = 10_000;

export interface PublisherOptions {
	readonly store: Store;
	readonly service: string;
	readonly host: string;
	/** Undefined: events are kept until there is one. */
	readonly nats: NatsSettings | undefined;
	readonly log: Log;
}

export class Publisher implements AsyncDisposable {
	readonly #store: Store;
	readonly #origin: Origin;
	readonly #log: Log;
	readonly #abort = new AbortController();
	readonly #wake = new Wake();
	readonly #listening: Disposable;
	readonly #running: Promise<void>;
	#connected = false;
	#draining = false;
	/** The last row that the server has stored, and the last that is deleted here. */
	#published = 0;
	#removed = 0;
	#threshold = FIRST_THRESHOLD;

	private constructor({ store, service, host, nats, log }: PublisherOptions) {
		this.#store = store;
		this.#origin = { host, service, epoch: store.epoch };
		this.#log = log;
		this.#listening = store.onCommit(() => this.#wake.up());
		this.#running = nats === undefined ? this.#keep() : this.#run(nats);
	}

	/** Never throws, and works in the background until it is closed. */
	static start(options: PublisherOptions): Publisher {
		return new Publisher(options);
	}

	/** Ends within a second, NATS or not; what is left in the outbox is published after the next start. */
	async close(): Promise<void> {
		this.#draining = true;
		this.#wake.up();
		if (!this.#connected) this.#abort.abort();
		const drained = setTimeout(() => this.#abort.abort(), DRAIN_MS);
		const gone = Promise.withResolvers<void>();
		const giveUp = setTimeout(gone.resolve, CLOSE_MS);
		await Promise.race([this.#running, gone.promise]);
		clearTimeout(drained);
		clearTimeout(giveUp);
		this.#abort.abort();
		this.#listening[Symbol.dispose]();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	async #keep(): Promise<void> {
		this.#log.info("no NATS is configured: events are kept");
		while (!this.#draining) {
			this.#reportBacklog();
			await this.#wake.wait(this.#abort.signal);
		}
	}

	async #run(nats: NatsSettings): Promise<void> {
		const backOff = new BackOff();
		let told = "";
		while (!this.#draining) {
			try {
				await this.#publishConnected(nats, () => {
					if (told !== "") this.#log.info("NATS is back: events are published", { waiting: this.#waiting() });
					told = "";
					backOff.reset();
				});
			} catch (error) {
				if (this.#abort.signal.aborted) return;
				const problem = problemOf(error);
				if (problem !== told) {
					this.#log.warn("events are kept until they can be published", {
						problem,
						servers: nats.servers,
						waiting: this.#waiting(),
					});
				}
				told = problem;
				this.#reportBacklog();
				await backOff.pause(this.#abort.signal);
			}
		}
	}

	/** Publishes until the connection is lost (throws) or the publisher is closed (returns). */
	async #publishConnected(nats: NatsSettings, onReady: () => void): Promise<void> {
		const { signal } = this.#abort;
		const connection = await openConnection(nats, `wharf-${this.#origin.service}`, signal);
		try {
			const manager = await abortable(connection.jetstreamManager({ timeout: ACK_TIMEOUT_MS }), signal);
			await abortable(ensureStream(manager, nats.stream), signal);
			this.#connected = true;
			onReady();
			await this.#drain(connection, connection.jetstream({ timeout: ACK_TIMEOUT_MS }));
		} finally {
			this.#connected = false;
			await closeConnection(connection);
		}
	}

	async #drain(connection: NatsConnection, client: JetStreamClient): Promise<void> {
		const { signal } = this.#abort;
		const lost = new AbortController();
		void connection.closed().then((error) => lost.abort(error ?? new Error("the connection was closed")));
		const either = AbortSignal.any([signal, lost.signal]);
		for (;;) {
			const rows = this.#store.outbox.after(this.#published, BATCH);
			for (const row of rows) {
				const msgID = messageId(this.#origin, row.row);
				await abortable(client.publish(row.subject, identified(this.#origin, row), { msgID }), either);
				killPoint("events.publish");
				this.#published = row.row;
			}
			if (rows.length === BATCH) {
				await this.#remove();
				continue;
			}
			this.#threshold = FIRST_THRESHOLD;
			if (this.#draining || this.#published > this.#removed) {
				const more = !this.#draining && (await this.#wake.wait(either, DELETE_AFTER_MS));
				either.throwIfAborted();
				if (more && this.#published - this.#removed < BATCH) continue;
				await this.#remove();
				if (this.#draining) return;
			} else {
				await this.#wake.wait(either);
				either.throwIfAborted();
			}
		}
	}

	async #remove(): Promise<void> {
		if (this.#published === this.#removed) return;
		const upTo = this.#published;
		await this.#store.write([this.#store.outbox.remove(upTo)], "events.remove");
		this.#removed = upTo;
	}

	/** Undefined when the store cannot say: the log is no reason to fail. */
	#waiting(): number | undefined {
		try {
			return this.#store.outbox.size();
		} catch {
			return undefined;
		}
	}

	/** One line each time that the backlog has grown tenfold; nothing is ever dropped. */
	#reportBacklog(): void {
		const waiting = this.#waiting();
		if (waiting === undefined || waiting < this.#threshold) return;
		this.#log.warn("many events wait for NATS", { waiting });
		while (this.#threshold <= waiting) this.#threshold *= 10;
	}
}

function problemOf(error: unknown): string {
	if (error instanceof NatsError) return error.api_error?.description ?? `${error.code}: ${error.message}`;
	return error instanceof Error ? error.message : String(error);
}
