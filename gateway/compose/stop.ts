/** The end of a container's process: asked for, then forced. What follows the end is finish.ts's. */
import { setTimeout as sleep } from "node:timers/promises";
import { abortable } from "#lib/rpc/abortable.ts";
import type { Call } from "#lib/rpc/handler.ts";
import type { LiveContainer } from "./container.ts";
import { gatewayFaults } from "../faults.ts";
import type { Parts } from "../parts.ts";

const DEFAULT_SECONDS = 10;
/** A process that was killed ends at once, unless it waits in the kernel; after it comes the cleaning up. */
const KILLED_MS = 30_000;

/** Gives the container; undefined when it was removed on its end. One that does not run is success. */
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
		const inTime = await abortable(within(settled, timeoutSeconds * 1000), call.signal);
		if (!inTime) {
			await signalRunning(parts, id, () => runtime.kill(id, "KILL"));
			if (!(await within(settled, KILLED_MS))) throw gatewayFaults.NO_STOPPING({ container: name });
		}
	}
	const record = table.find(id);
	return record && { record, endpoints: [] };
}

/** For a removal by force: no time to say goodbye. */
export async function killAndWait(parts: Parts, id: string): Promise<void> {
	const settled = parts.endings.settled(id);
	if (!(await signalRunning(parts, id, () => parts.runtime.kill(id, "KILL")))) return;
	if (!(await within(settled, KILLED_MS))) throw gatewayFaults.NO_STOPPING({ container: id.slice(0, 12) });
}

/** False when it does not run. Waits for a start that is under way. */
async function signalRunning({ locks, table }: Parts, id: string, send: () => Promise<void>): Promise<boolean> {
	using _ = await locks.take(id);
	if (table.find(id)?.state !== "RUNNING") return false;
	await send();
	return true;
}

async function within(promise: Promise<unknown>, ms: number): Promise<boolean> {
	const enough = new AbortController();
	const timer = sleep(ms, false, { signal: enough.signal }).catch(() => false);
	const inTime = await Promise.race([promise.then(() => true), timer]);
	enough.abort();
	return inTime;
}
