/** Looks at the logs of the containers that run, and begins another file where one has its size. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ContainerRecord } from "../compose/container.ts";
import type { Parts } from "../parts.ts";
import type { LogLimits } from "./log-files.ts";

/** What is written in between is what a file may have too much. */
const EVERY_MS = 1_000;
/** Docker users know `max-size=10m` and `max-file=3` by heart. */
const DEFAULT_SIZE_BYTES = 10_000_000;
const DEFAULT_FILES = 3;

function limitsOf({ log }: ContainerRecord["spec"]): LogLimits {
	const size = Number(log?.maxSizeBytes ?? DEFAULT_SIZE_BYTES);
	return { maxSizeBytes: size === 0 ? Number.POSITIVE_INFINITY : size, maxFiles: log?.maxFiles ?? DEFAULT_FILES };
}

/** Ends when it is disposed of. */
export function keepLogsBounded({ table, logFiles, log }: Parts): AsyncDisposable {
	const abort = new AbortController();
	const limits = new Map<string, LogLimits>();
	const look = async (id: string): Promise<void> => {
		const known = limits.get(id) ?? limitsOf(table.get(id).spec);
		limits.set(id, known);
		if (await logFiles.rotate(id, known)) log.debug("a log has another file", { id });
	};
	const running = (async () => {
		for (;;) {
			await sleep(EVERY_MS, undefined, { signal: abort.signal });
			const ids = new Set(table.runningIds());
			for (const id of limits.keys()) if (!ids.has(id)) limits.delete(id);
			for (const id of ids) await look(id).catch((err: unknown) => log.warn("a log could not be rotated", { id, err }));
		}
	})();
	running.catch((err: unknown) => {
		if (!abort.signal.aborted) log.error("logs are not bounded any more", { err });
	});
	return {
		async [Symbol.asyncDispose]() {
			abort.abort();
			await Promise.allSettled([running]);
		},
	};
}
