/** `wharf down`: the control plane ends, and containers, traffic and mounts go on. With `all` nothing is left but volumes. */
import type { Paths } from "#lib/config/paths.ts";
import { createLog } from "#lib/log/log.ts";
import {
	type Failed,
	removeAttachments,
	removeContainers,
	removeNetworks,
	removePublications,
	removeVolumes,
	volumeNames,
} from "../peers/emptying.ts";
import { bringUp, requireRoot } from "./bring-up.ts";
import { supervisorFaults } from "./faults.ts";
import { hasStateOfServices, removeFiles, volumesOnDisk } from "./instance-files.ts";
import { removeLeftovers } from "./leftovers.ts";
import { isLocked } from "./lock.ts";
import { ended, endStaleProcesses } from "./stale.ts";
import { liveState, removeState } from "./state-file.ts";

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
	/** What the services could not do themselves; it was done directly, but for what `left` names. */
	readonly problems: readonly string[];
	/** What could not be removed at all; a sentence each. */
	readonly left: readonly string[];
}

/** Works with services that are dead, and twice in a row. Whatever fails, everything else goes. */
export async function removeEverything(paths: Paths, env: NodeJS.ProcessEnv, volumesToo: boolean): Promise<Emptied> {
	requireRoot("down --all");
	const problems = new Problems();
	const left = new Problems();
	const isUp = hasStateOfServices(paths) && (await problems.attempt(false, () => startedOr(paths, env)));
	const asked = isUp ? await emptied(paths, volumesToo, problems) : undefined;
	await left.attempt(false, () => stopControlPlane(paths));
	await removeLeftovers(paths, left.add);
	const keptVolumes = volumesToo ? [] : (asked?.volumes ?? volumesOnDisk(paths));
	// A volumed that could not be asked may have volumes elsewhere: its records stay.
	const keepsRecords = !volumesToo && (asked?.volumes === undefined || keptVolumes.length > 0);
	await left.attempt(undefined, () => removeFiles(paths, { volumesToo, keepsRecords }, left.add));
	const { containers = 0, networks = 0 } = asked ?? {};
	return { containers, networks, keptVolumes, problems: problems.sentences, left: left.sentences };
}

/** Each service undoes what is its own. */
async function emptied(paths: Paths, volumesToo: boolean, { attempt, add }: Problems) {
	const containers = await attempt(0, () => removeContainers(paths, add));
	const networks = await attempt(0, () => removeNetworks(paths, add));
	await attempt(undefined, () => removeAttachments(paths, add));
	await attempt(undefined, () => removePublications(paths, add));
	if (volumesToo) await attempt(undefined, () => removeVolumes(paths, add));
	return { containers, networks, volumes: await attempt(undefined, () => volumeNames(paths)) };
}

async function startedOr(paths: Paths, env: NodeJS.ProcessEnv): Promise<boolean> {
	if (liveState(paths)?.phase === "up" && (await isLocked(paths))) return true;
	await bringUp(paths, env, { serving: async () => undefined });
	return true;
}

/** Failures that do not keep the rest from being done. */
class Problems {
	readonly #sentences = new Set<string>();

	get sentences(): string[] {
		return [...this.#sentences];
	}

	readonly add: Failed = (error) => {
		this.#sentences.add(error instanceof Error ? error.message : String(error));
	};

	readonly attempt = async <T>(otherwise: T, body: () => Promise<T>): Promise<T> => {
		try {
			return await body();
		} catch (error) {
			this.add(error);
			return otherwise;
		}
	};
}
