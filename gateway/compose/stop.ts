/** The end of a container's process: asked for, then forced. What follows the end is finish.ts's. */
import { setTimeout as sleep } from "node:timers/promises";
import { abortable } from "#lib/concurrency/abortable.ts";
import type { Call } from "#lib/rpc/handler.ts";
import type { LiveContainer } from "./container.ts";
import { finishEnded } from "./finish.ts";
import { gatewayFaults } from "../faults.ts";
import type { Parts } from "../parts.ts";
import { isAlive } from "../runtime/process-start.ts";

const DEFAULT_SECONDS = 10;
/** A process that was killed ends at once, unless it waits in the kernel; after it comes the cleaning up. */
const KILLED_MS = 30_000;
/** On a full disk conmon writes no exit file: the process is looked at as well. */
const LOOK_EVERY_MS = 200;

/** Gives the container; undefined when it was removed on its end. One that does not run is success. END_NOT_STORED as it says. */
export async function stop(
	parts: Parts,
	{
		reference,
		timeoutSeconds = DEFAULT_SECONDS,
	}: { readonly reference: string; readonly timeoutSeconds: number | undefined },
	call: Call,
): Promise<LiveContainer | undefined> {
	const { table, runtime, endings } = parts;
	const { id, name } = table.get(reference);
	// Before the signal is sent: the end may come at once.
	const settled = endings.settled(id);
	if (await signalRunning(parts, id, () => runtime.kill(id, "TERM"))) {
		const inTime = await abortable(within(parts, id, settled, timeoutSeconds * 1000), call.signal);
		if (!inTime) {
			await signalRunning(parts, id, () => runtime.kill(id, "KILL"));
			if (!(await within(parts, id, settled, KILLED_MS))) throw gatewayFaults.NO_STOPPING({ container: name });
		}
	}
	const record = table.find(id);
	return record && { record, endpoints: [] };
}

/** For a removal by force: no time to say goodbye. END_NOT_STORED as it says. */
export async function killAndWait(parts: Parts, id: string): Promise<void> {
	const settled = parts.endings.settled(id);
	if (!(await signalRunning(parts, id, () => parts.runtime.kill(id, "KILL")))) return;
	if (!(await within(parts, id, settled, KILLED_MS))) throw gatewayFaults.NO_STOPPING({ container: id.slice(0, 12) });
}

/** False when it does not run. Waits for a start that is under way. */
async function signalRunning({ locks, table }: Parts, id: string, send: () => Promise<void>): Promise<boolean> {
	using _ = await locks.take(id);
	if (table.find(id)?.state !== "RUNNING") return false;
	await send();
	return true;
}

/** Whether it has ended, and that is stored, within so long. Rejects when it has and cannot be stored. */
async function within(parts: Parts, id: string, settled: Promise<unknown>, ms: number): Promise<boolean> {
	const enough = new AbortController();
	const until = Date.now() + ms;
	const looking = (async () => {
		while (Date.now() < until) {
			await sleep(Math.min(LOOK_EVERY_MS, until - Date.now()), undefined, { signal: enough.signal });
			await finishIfEnded(parts, id);
		}
		return false;
	})();
	try {
		return await Promise.race([settled.then(() => true), looking]);
	} finally {
		enough.abort();
		looking.catch(() => undefined); // cut short, or told by `settled` as well
	}
}

async function finishIfEnded(parts: Parts, id: string): Promise<void> {
	const record = parts.table.find(id);
	if (record?.state !== "RUNNING" || isAlive({ pid: record.pid, start: record.pidStart })) return;
	await finishEnded(parts, record);
}
