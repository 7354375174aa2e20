/** What happens where something cannot be stored: room is made by what is to go anyway, and what is left is told with its cause. */
import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { isFault } from "#lib/fault/fault.ts";
import type { ContainerRecord } from "./container.ts";
import { gatewayFaults } from "../faults.ts";
import type { Parts } from "../parts.ts";

/** A file system with less room has none: SQLite writes pages, and keeps what was answered. */
const FULL_BYTES = 256 * 1024;

/** Stores something, here or at a peer; when that fails, and a container is to go with its files, again without these. */
export async function makingRoom(
	{ roots }: Parts,
	goes: string | undefined,
	store: () => Promise<void>,
): Promise<void> {
	try {
		await store();
	} catch (error) {
		if (goes === undefined || !isFault(error, "STORE_UNAVAILABLE")) throw error;
		await roots.remove(goes);
		await store();
	}
}

/** The error of a container that has ended, when that could not be stored. netd stores before it takes down, and may have been refused. */
export function unstored(
	{ wharfRoot }: Parts,
	{ record: { name }, networkStays }: { readonly record: ContainerRecord; readonly networkStays: boolean },
	error: unknown,
): unknown {
	if (!isFault(error, "STORE_UNAVAILABLE")) return error;
	// The stores may be on another disk than containers and volumes.
	const folder = dirname(error.metadata["path"] ?? wharfRoot);
	const { bavail, bsize } = statfsSync(folder);
	const problem =
		bavail * bsize < FULL_BYTES ? `the file system of ${folder} is full` : (error.metadata["problem"] ?? "");
	const gone = networkStays ? "mounts and cgroup, and not yet its network" : "network, mounts and cgroup";
	return gatewayFaults.END_NOT_STORED({ container: name, gone, folder, problem }, { cause: error });
}
