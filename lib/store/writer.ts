/**
 * The writer thread's program: it alone has the file open for writing, and takes one group of transactions at a time.
 *
 * It answers `ready` or `failed` first, then one `done` for each group.
 */
import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { type Failure, failureOf } from "./errors.ts";
import { BUSY_TIMEOUT_MS } from "./file.ts";
import { commitGroup, type GroupResult, type Transaction } from "./group.ts";
import { migrate, NewerFile } from "./migrations.ts";
import { StatementCache } from "./statement-cache.ts";

export interface WriterData {
	readonly path: string;
	readonly migrations: readonly string[];
}

export type ToWriter = { readonly kind: "commit"; readonly group: readonly Transaction[] } | { readonly kind: "close" };

export type FromWriter =
	| { readonly kind: "ready" }
	| { readonly kind: "failed"; readonly failure: Failure }
	| ({ readonly kind: "done" } & GroupResult);

class Damaged extends Error {}

function open({ path, migrations }: WriterData): DatabaseSync {
	const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
	try {
		database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864");
		// About 1 ms for each MB: a page damaged on disk is found here, not in the middle of a request.
		const problem = String(database.prepare("PRAGMA quick_check(1)").get()?.["quick_check"]);
		if (problem !== "ok") throw new Damaged(problem);
		migrate(database, migrations);
		return database;
	} catch (error) {
		database.close();
		throw error;
	}
}

function openingFailure(error: unknown): Failure {
	if (error instanceof NewerFile) return error.failure;
	if (error instanceof Damaged) return { kind: "corrupt", problem: error.message };
	return failureOf(error);
}

const port = parentPort;
if (port === null) throw new Error("lib/store/writer is the program of a worker thread");
const send = (message: FromWriter): void => port.postMessage(message);

try {
	// Only lib/store/writer-thread.ts starts this thread, with this data.
	const database = open(workerData as WriterData);
	const cache = new StatementCache(database);
	port.on("message", (message: ToWriter) => {
		if (message.kind === "commit") {
			send({ kind: "done", ...commitGroup(database, cache, message.group) });
			return;
		}
		database.close();
		port.close();
	});
	send({ kind: "ready" });
} catch (error) {
	send({ kind: "failed", failure: openingFailure(error) });
	port.close();
}
