/** The exit status of a container's process, also of one that was removed on its end. */
import { abortable } from "#lib/concurrency/abortable.ts";
import type { Call } from "#lib/rpc/handler.ts";
import { gatewayFaults } from "../faults.ts";
import type { Parts } from "../parts.ts";

export async function wait({ table, endings }: Parts, reference: string, call: Call): Promise<number> {
	let id: string;
	try {
		({ id } = table.get(reference));
	} catch (error) {
		const kept = table.findExit(reference);
		if (kept !== undefined) return kept;
		throw error;
	}
	// Before it is looked at: what ends in between is told to this promise.
	const settled = endings.settled(id);
	const record = table.find(id);
	if (record?.state === "EXITED") return record.exitCode;
	const exitCode = record === undefined ? table.findExit(id) : await abortable(settled, call.signal);
	if (exitCode === undefined) throw gatewayFaults.CONTAINER_NOT_FOUND({ container: reference });
	return exitCode;
}
