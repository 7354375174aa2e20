/** Everything that was made for a container goes: process, sandbox, mounts, files, volumes without a name when asked, and the record. */
import { killPoint } from "#lib/config/kill-point.ts";
import { isFault } from "#lib/fault/fault.ts";
import type { Mutation } from "#lib/rpc/handler.ts";
import type { Statement } from "#lib/store/store.ts";
import { type ContainerRecord, hasMounts } from "./container.ts";
import { containerFact } from "./facts.ts";
import { gatewayFaults } from "../faults.ts";
import type { Parts } from "../parts.ts";
import { isAlive } from "../runtime/process-start.ts";
import { finishEnded } from "./finish.ts";
import { makingRoom, unstored } from "./room.ts";
import { killAndWait } from "./stop.ts";

export interface RemoveInput {
	readonly reference: string;
	readonly force: boolean;
	readonly removeVolumes: boolean;
}

/** Gives the id. */
export async function remove(parts: Parts, input: RemoveInput, call: Mutation<string>): Promise<string> {
	const { table, locks } = parts;
	const { id, name, state } = table.get(input.reference);
	const isLive = state === "RUNNING" || state === "STARTING";
	if (isLive) {
		if (!input.force) throw gatewayFaults.CONTAINER_RUNNING({ container: name });
		await killMakingRoom(parts, id);
	}
	using _ = await locks.take(id);
	const record = table.find(id);
	if (record === undefined) return id; // removed on its end, meanwhile
	if (record.state === "RUNNING") throw gatewayFaults.CONTAINER_RUNNING({ container: name }); // started again, meanwhile
	const removing = { ...record, removeVolumes: input.removeVolumes || record.removeVolumes };
	let networkStays = record.sandboxId !== "";
	try {
		// netd was away when it ended, or had no room to store it.
		if (networkStays) await makingRoom(parts, id, () => parts.netd.deleteSandboxOf(id));
		networkStays = false;
		await removeRecord(parts, removing, call.answer(id));
	} catch (error) {
		// Its end was stored, and what comes after it was not.
		throw isLive ? unstored(parts, { record, networkStays }, error) : error;
	}
	return id;
}

/** On a full disk the files that are to go make room for what has to be stored. */
async function killMakingRoom(parts: Parts, id: string): Promise<void> {
	try {
		await killAndWait(parts, id);
	} catch (error) {
		const record = parts.table.find(id);
		if (!isFault(error, "END_NOT_STORED") || record === undefined) throw error;
		await removeFilesOfEnded(parts, record);
		await finishEnded(parts, record);
	}
}

async function removeFilesOfEnded(
	{ locks, table, roots }: Parts,
	{ id, pid, pidStart }: ContainerRecord,
): Promise<void> {
	using _ = await locks.take(id);
	if (table.find(id)?.pid === pid && !isAlive({ pid, start: pidStart })) await roots.remove(id);
}

/** Under the container's lock. What fails is thrown and leaves it as REMOVING: reconcile goes on. */
export async function removeRecord(parts: Parts, record: ContainerRecord, answer: readonly Statement[]): Promise<void> {
	const { store, table, runtime, volumed, roots, endings } = parts;
	const { id, removeVolumes, exitCode, startedAt } = record;
	const removing = [table.update(id, { state: "REMOVING", removeVolumes })];
	await makingRoom(parts, id, () => store.write(removing, "container.removing"));
	if (record.state !== "EXITED" && record.state !== "CREATED") await removeLive(parts, id);
	if (hasMounts(record.spec)) await makingRoom(parts, id, () => volumed.detach(id, removeVolumes));
	killPoint("remove.detached");
	await roots.remove(id);
	const ran = startedAt !== undefined;
	const kept = ran ? table.keepExit(record, exitCode) : [];
	await store.write(
		[table.remove(id), ...kept, containerFact("DELETED", record, exitCode), ...answer],
		"container.removed",
	);
	await runtime.forgetExit(id);
	endings.tellSettled(id, ran ? exitCode : undefined);
}

/** What only a container that runs has; one at rest has lost it with its end. */
async function removeLive(parts: Parts, id: string): Promise<void> {
	const { runtime, netd, roots } = parts;
	await runtime.remove(id);
	await makingRoom(parts, id, () => netd.deleteSandboxOf(id));
	killPoint("remove.sandbox");
	roots.unmount(id);
}
