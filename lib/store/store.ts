/**
 * The durable state of one service: one SQLite file, read synchronously by the caller, written by one thread of its own.
 *
 * What `write()` has answered survives a power cut, and every later read sees it. The only importers of node:sqlite are in this folder.
 */
import { DatabaseSync } from "node:sqlite";
import { killPoint } from "#lib/config/kill-point.ts";
import { BUSY_TIMEOUT_MS, lockFile, prepareFile } from "./file.ts";
import { Outbox } from "./outbox.ts";
import { Reader } from "./reader.ts";
import { REPLAY_KEPT_MS, Replays } from "./replays.ts";
import type { SqlValue, Statement } from "./statement.ts";
import { WriterThread } from "./writer-thread.ts";

export { ChangesError, ConstraintError } from "./errors.ts";
export { outboxEntry } from "./outbox.ts";
export type { SqlValue, Statement } from "./statement.ts";

const PRUNE_EVERY_MS = 60 * 60 * 1000;

export interface StoreOptions {
	readonly path: string;
	/** The service's own schema, one entry a version, ever only appended to. The names meta, outbox and replay are the store's. */
	readonly migrations: readonly string[];
	/**
	 * A transaction that comes alone is committed by the caller's thread, which waits for the disk meanwhile: in half the time, as no other
	 * thread is told of it. For a service that has nothing else to do then.
	 */
	readonly commitsLoneHere?: boolean | undefined;
}

interface Parts {
	readonly path: string;
	readonly database: DatabaseSync;
	readonly writer: WriterThread;
	readonly lock: Disposable;
	readonly listeners: Set<() => void>;
}

export class Store implements AsyncDisposable {
	/** Random, made with the file: rows of an earlier file of the same service are told apart by it. */
	readonly epoch: string;
	readonly outbox: Outbox;
	readonly replays: Replays;
	/** The same reads with integers as bigint, for columns that may pass 2^53. */
	readonly bigints: Reader;
	readonly #reader: Reader;
	readonly #database: DatabaseSync;
	readonly #writer: WriterThread;
	readonly #lock: Disposable;
	readonly #listeners: Set<() => void>;
	readonly #pruning: NodeJS.Timeout;
	#closing: Promise<void> | undefined;

	private constructor({ path, database, writer, lock, listeners }: Parts) {
		this.#writer = writer;
		this.#lock = lock;
		this.#listeners = listeners;
		this.#database = database;
		this.#reader = new Reader(path, database);
		this.bigints = new Reader(path, database, { bigints: true });
		this.outbox = new Outbox(this.#reader);
		this.replays = new Replays(this.#reader);
		this.epoch = this.#reader.get<{ value: string }>("SELECT value FROM meta WHERE key = 'epoch'")?.value ?? "";
		this.#pruning = setInterval(() => this.#prune(), PRUNE_EVERY_MS).unref();
		this.#prune();
	}

	/**
	 * Opens the file, made when it is not there (0600, its folder 0700), and brings it to the version of `migrations`.
	 * Faults: STORE_IN_USE, STORE_NEWER, STORE_CORRUPT, STORE_UNAVAILABLE.
	 */
	static async open({ path, migrations, commitsLoneHere = false }: StoreOptions): Promise<Store> {
		await using opened = new AsyncDisposableStack();
		prepareFile(path);
		const lock = opened.use(lockFile(path));
		const listeners = new Set<() => void>();
		const writer = await WriterThread.start({ path, migrations, commitsLoneHere }, () => {
			for (const listener of listeners) listener();
		});
		opened.defer(() => writer.close());
		const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
		opened.defer(() => database.close());
		database.exec("PRAGMA query_only = ON");
		const store = new Store({ path, database, writer, lock, listeners });
		opened.move();
		return store;
	}

	/** Transactions asked for, and the COMMITs (at most one fsync each) that they took. */
	get stats(): { readonly transactions: number; readonly commits: number } {
		return this.#writer.stats;
	}

	/** All committed rows that match. Integers are numbers; one beyond 2^53 is an error (see `bigints`). */
	all<R>(sql: string, ...params: SqlValue[]): R[] {
		return this.#reader.all<R>(sql, ...params);
	}

	// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller's claim about the row, as in all().
	get<R>(sql: string, ...params: SqlValue[]): R | undefined {
		return this.#reader.get<R>(sql, ...params);
	}

	/**
	 * One transaction: all of it is durable when this resolves, none of it when it rejects.
	 * Rejects with ConstraintError, ChangesError, or the Faults STORE_UNAVAILABLE (a full or failing disk) and STORE_CORRUPT.
	 * With a label there is a kill point `store.<label>` behind the commit.
	 */
	async write(statements: readonly Statement[], label?: string): Promise<void> {
		await this.#writer.submit(statements, { durable: true });
		if (label !== undefined) killPoint(`store.${label}`);
	}

	/**
	 * As `write`, but only the end of the process is survived, and a power cut may take it back: no disk is waited for, and where
	 * nothing else is being written it has happened when this returns. For the intent of effects that a power cut takes back as well,
	 * or that their owner's absence takes back.
	 */
	async intend(statements: readonly Statement[], label: string): Promise<void> {
		await this.#writer.submit(statements, { durable: false });
		killPoint(`store.${label}`);
	}

	/** Calls `listener` after each commit, when reads see it. It must not throw. */
	onCommit(listener: () => void): Disposable {
		// One entry for each call, even with the same function twice.
		const entry = (): void => listener();
		this.#listeners.add(entry);
		return { [Symbol.dispose]: () => void this.#listeners.delete(entry) };
	}

	/** Refuses new writes, waits for those that were asked for, closes the file and lets go of its lock. */
	close(): Promise<void> {
		this.#closing ??= this.#close();
		return this.#closing;
	}

	async #close(): Promise<void> {
		clearInterval(this.#pruning);
		await this.#writer.close();
		this.#database.close();
		this.#lock[Symbol.dispose]();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	#prune(): void {
		const { oldest } =
			this.#reader.get<{ oldest: number }>("SELECT created_at AS oldest FROM replay ORDER BY rowid LIMIT 1") ?? {};
		if (oldest === undefined || oldest > Date.now() - REPLAY_KEPT_MS) return;
		// A failing disk shows in the next write that somebody waits for.
		this.write([this.replays.prune()]).catch(() => undefined);
	}
}
