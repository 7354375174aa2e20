/** `wharf down`: the control plane ends, and containers, traffic and mounts go on. With `all` nothing is left but volumes. */
import { readdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Paths } from "#lib/config/paths.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { mountinfo } from "#lib/linux/mount/mountinfo.ts";
import { createLog } from "#lib/log/log.ts";
import { removeContainers, removeNetworks, removeVolumes, volumeNames } from "../peers/emptying.ts";
import { bringUp, requireRoot } from "./bring-up.ts";
import { supervisorFaults } from "./faults.ts";
import { removeLeftovers } from "./leftovers.ts";
import { isLocked } from "./lock.ts";
import { ended, endStaleProcesses } from "./stale.ts";
import { liveState, removeState } from "./state-file.ts";

/** The tour's archive, below the root. */
export const TOUR = "demo";

/** The services' own orderly ends, one after the other. */
const END_MS = 90_000;

/** True when there was something to end. */
export async function stopControlPlane(paths: Paths): Promise<boolean> {
	requireRoot("down");
	const state = liveState(paths);
	if (state === undefined) {
		await endStaleProcesses(paths, createLog({ service: "down", level: "silent" }));
		return false;
	}
	process.kill(state.pid, "SIGTERM");
	if (!(await ended({ pid: state.pid, start: state.pidStart }, END_MS))) {
		throw supervisorFaults.SUPERVISOR_STUCK({ pid: String(state.pid) });
	}
	removeState(paths);
	return true;
}

export interface Emptied {
	readonly containers: number;
	readonly networks: number;
	/** What stays; empty when volumes were to go as well. */
	readonly keptVolumes: readonly string[];
	/** What the services could not do themselves and was cleaned directly, or not at all. */
	readonly problems: readonly string[];
}

/** Works with services that are dead, and twice in a row. */
export async function removeEverything(paths: Paths, env: NodeJS.ProcessEnv, volumesToo: boolean): Promise<Emptied> {
	requireRoot("down --all");
	const problems: string[] = [];
	const attempt = async <T>(otherwise: T, body: () => Promise<T>): Promise<T> => {
		try {
			return await body();
		} catch (error) {
			problems.push(error instanceof Error ? error.message : String(error));
			return otherwise;
		}
	};
	const hadState = stateFiles(paths).length > 0;
	const isUp = hadState && (await attempt(false, () => startedOr(paths, env)));
	const containers = isUp ? await attempt(0, () => removeContainers(paths)) : 0;
	const networks = isUp ? await attempt(0, () => removeNetworks(paths)) : 0;
	if (isUp && volumesToo) await attempt(undefined, () => removeVolumes(paths));
	const onDisk = volumesOnDisk(paths);
	const keptVolumes = isUp && !volumesToo ? await attempt(onDisk, () => volumeNames(paths)) : onDisk;
	await attempt(false, () => stopControlPlane(paths));
	await attempt(undefined, () => removeLeftovers(paths));
	await attempt(undefined, async () => removeFiles(paths, volumesToo));
	return { containers, networks, keptVolumes: volumesToo ? [] : keptVolumes, problems };
}

async function startedOr(paths: Paths, env: NodeJS.ProcessEnv): Promise<boolean> {
	if (liveState(paths)?.phase === "up" && (await isLocked(paths))) return true;
	await bringUp(paths, env, { serving: async () => undefined });
	return true;
}

function stateFiles(paths: Paths): string[] {
	try {
		return readdirSync(join(paths.root, "state"));
	} catch {
		return [];
	}
}

function volumesOnDisk(paths: Paths): string[] {
	try {
		return readdirSync(paths.volumes).filter((name) => !name.startsWith(".")); // volumed's own
	} catch {
		return [];
	}
}

/**
 * The settings are the operator's and stay. Volumes without their store are taken in again by the next volumed, as local
 * volumes without labels; what it once set aside stays with them.
 */
function removeFiles(paths: Paths, volumesToo: boolean): void {
	// Removing goes into what is mounted: nothing is removed as long as something is.
	const mounted = mountinfo().find(({ target }) => target.startsWith(`${paths.root}/`));
	if (mounted !== undefined) throw supervisorFaults.STILL_MOUNTED({ path: mounted.target });
	const force = { recursive: true, force: true } as const;
	const state = join(paths.root, "state");
	for (const folder of [paths.run, paths.containers, paths.nats, paths.logs, state, join(paths.root, TOUR)]) {
		rmSync(folder, force);
	}
	if (volumesToo) rmSync(paths.volumes, force);
	else for (const name of [".trash", ".lost+found", ""]) removeEmpty(join(paths.volumes, name));
	removeEmpty(paths.root);
}

function removeEmpty(folder: string): void {
	try {
		rmdirSync(folder);
	} catch (error) {
		// The root may be a file system of its own.
		if (!isErrno(error, "ENOENT", "ENOTEMPTY", "EBUSY")) throw error;
	}
}
