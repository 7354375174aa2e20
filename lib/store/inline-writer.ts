/**
 * Transactions committed on the caller's thread while the writer thread rests. For those that need not survive a power cut some pages
 * are copied to the kernel and no disk is waited for, which takes less than telling another thread and hearing from it.
 */
import { DatabaseSync } from "node:sqlite";
import { commitGroup, type GroupResult, type Transaction } from "./group.ts";
import { StatementCache } from "./statement-cache.ts";

export class InlineWriter implements Disposable {
	readonly #database: DatabaseSync;
	readonly #cache: StatementCache;

	/** Another program that has the file locked is not waited for here, and what was written is moved out of the log by the thread. */
	constructor(path: string) {
		this.#database = new DatabaseSync(path, { timeout: 0 });
		this.#database.exec("PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -256");
		this.#cache = new StatementCache(this.#database);
	}

	/** Only while nobody in this process has a transaction open. */
	commit(transaction: Transaction): GroupResult {
		return commitGroup(this.#database, this.#cache, [transaction]);
	}

	[Symbol.dispose](): void {
		this.#database.close();
	}
}
