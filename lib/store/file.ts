/** The file on disk: who may read it, and that one process at a time has it open for writing. */
import { chmodSync, closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { errorOf, failureOf } from "./errors.ts";
import { storeFaults } from "./faults.ts";

const BUSY = 5;

/** How long a statement waits for another program (an operator's sqlite3) to let go of the file. */
export const BUSY_TIMEOUT_MS = 5_000;

/** Makes the file (0600) and its folder (0700) when they are not there. SQLite gives the -wal and -shm files the file's own mode. */
export function prepareFile(path: string): void {
	try {
		const folder = dirname(path);
		mkdirSync(dirname(folder), { recursive: true });
		mkdirSync(folder, { recursive: true, mode: 0o700 });
		create(path);
		chmodSync(path, 0o600);
	} catch (error) {
		const problem = error instanceof Error ? error.message : String(error);
		throw storeFaults.STORE_UNAVAILABLE({ path, problem }, { cause: error });
	}
}

/**
 * Never opens a file that is there: closing any descriptor of a file drops all POSIX locks that this process has on it
 * (https://www.sqlite.org/howtocorrupt.html, 2.2).
 */
function create(path: string): void {
	try {
		closeSync(openSync(path, "ax", 0o600));
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
	}
}

/**
 * Holds `<path>.lock` until it is disposed of or the process ends, however it ends: an exclusive transaction on an empty database,
 * which is a POSIX record lock that the kernel drops with the process and no child inherits. Throws STORE_IN_USE when another one has it.
 */
export function lockFile(path: string): Disposable {
	const lock = `${path}.lock`;
	prepareFile(lock);
	const database = new DatabaseSync(lock, { timeout: 0 });
	try {
		database.exec("BEGIN EXCLUSIVE");
	} catch (error) {
		database.close();
		const { errcode } = error as { errcode?: number };
		throw errcode === BUSY ? storeFaults.STORE_IN_USE({ path }) : errorOf(failureOf(error), lock);
	}
	return { [Symbol.dispose]: () => database.close() };
}
