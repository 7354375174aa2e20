/** What the supervisor says of itself and its services, for `wharf up`, `down` and `status`: one JSON file, replaced as a whole. */
import { readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Paths } from "#lib/config/paths.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { isAlive } from "../runtime/process-start.ts";

const SERVICE_NAMES = ["nats", "ipamd", "netd", "dnsd", "volumed", "gateway"] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

export interface ServiceState {
	readonly name: ServiceName;
	readonly state: "waiting" | "starting" | "serving" | "restarting" | "failed" | "stopped";
	/** 0: none. */
	readonly pid: number;
	readonly pidStart: string;
	/** When it came into this state, milliseconds since the epoch. */
	readonly since: number;
	/** From its start to its first answer. */
	readonly startMs: number;
	readonly restarts: number;
	/** Why it failed. */
	readonly problem: string;
}

export interface SupervisorState {
	readonly pid: number;
	readonly pidStart: string;
	/** When this was written, milliseconds since the epoch. */
	readonly at: number;
	readonly phase: "starting" | "up" | "failed" | "stopping";
	readonly services: readonly ServiceState[];
}

function pathOf(paths: Paths): string {
	return join(paths.run, "supervisor.json");
}

/** May throw: the disk may be full. */
export function writeState(paths: Paths, state: SupervisorState): void {
	const path = pathOf(paths);
	writeFileSync(`${path}.new`, JSON.stringify(state), { mode: 0o644 });
	renameSync(`${path}.new`, path);
}

/** Undefined when there is none, or none that can be read. */
export function readState(paths: Paths): SupervisorState | undefined {
	try {
		return JSON.parse(readFileSync(pathOf(paths), "utf8")) as SupervisorState; // replaced as a whole by this module alone
	} catch {
		return undefined;
	}
}

/** One that a read-only disk keeps names processes that are gone, and does no harm. */
export function removeState(paths: Paths): void {
	try {
		unlinkSync(pathOf(paths));
	} catch (error) {
		if (!isErrno(error, "ENOENT", "EROFS")) throw error;
	}
}

/** The state of a supervisor that runs. */
export function liveState(paths: Paths): SupervisorState | undefined {
	const state = readState(paths);
	return state !== undefined && isAlive({ pid: state.pid, start: state.pidStart }) ? state : undefined;
}
