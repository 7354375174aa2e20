/** Processes that a supervisor left when it was killed: services end by themselves, nats-server does not. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Paths } from "#lib/config/paths.ts";
import type { Log } from "#lib/log/log.ts";
import { isAlive } from "../runtime/process-start.ts";
import { readState, removeState } from "./state-file.ts";

/** What services allow themselves for an orderly end, and a little more. */
const END_MS = 17_000;
const ASK_EVERY_MS = 20;

/** Known by pid and start time, so nobody else's process is ever touched. To be called by the holder of the lock. */
export async function endStaleProcesses(paths: Paths, log: Log): Promise<void> {
	const left = (readState(paths)?.services ?? []).filter(({ pid, pidStart }) => isAlive({ pid, start: pidStart }));
	await Promise.all(
		left.map(async ({ name, pid, pidStart }) => {
			log.warn("a process of a former supervisor is ended", { service: name, pid });
			process.kill(pid, "SIGTERM");
			await ended({ pid, start: pidStart }, END_MS);
			if (isAlive({ pid, start: pidStart })) process.kill(pid, "SIGKILL");
			await ended({ pid, start: pidStart }, END_MS);
		}),
	);
	removeState(paths);
}

/** False when it still runs after that time. */
export async function ended(one: { readonly pid: number; readonly start: string }, withinMs: number): Promise<boolean> {
	const until = Date.now() + withinMs;
	while (isAlive(one)) {
		if (Date.now() > until) return false;
		await sleep(ASK_EVERY_MS);
	}
	return true;
}
