/** `wharf down`: the control plane ends, and containers, traffic and mounts go on. With `all` nothing is left but volumes. */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
	ContainerServiceService,
	ListContainersRequest,
	RemoveContainerRequest,
} from "#gen/wharf/container/v1/container.ts";
import { DeleteNetworkRequest, ListNetworksRequest, NetworkServiceService } from "#gen/wharf/network/v1/network.ts";
import { DeleteSandboxRequest, ListSandboxesRequest, SandboxServiceService } from "#gen/wharf/network/v1/sandbox.ts";
import { DeleteVolumeRequest, ListVolumesRequest, VolumeServiceService } from "#gen/wharf/volume/v1/volume.ts";
import type { Paths } from "#lib/config/paths.ts";
import { createLog } from "#lib/log/log.ts";
import { allPages } from "../pages.ts";
import { connect, requestId } from "../cli/requests.ts";
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
	const keptVolumes = isUp
		? await attempt(volumesOnDisk(paths), () => removeVolumes(paths, volumesToo))
		: volumesOnDisk(paths);
	await attempt(false, () => stopControlPlane(paths));
	await attempt(undefined, () => removeLeftovers(paths));
	const kept = volumesToo ? [] : keptVolumes;
	removeFiles(paths, kept.length > 0);
	return { containers, networks, keptVolumes: kept, problems };
}

async function startedOr(paths: Paths, env: NodeJS.ProcessEnv): Promise<boolean> {
	if (liveState(paths)?.phase === "up" && (await isLocked(paths))) return true;
	await bringUp(paths, env, { serving: async () => undefined });
	return true;
}

async function removeContainers(paths: Paths): Promise<number> {
	using gateway = connect(paths, "gateway", ContainerServiceService);
	const all = await allPages(
		(page) => gateway.listContainers(ListContainersRequest.fromPartial({ ...page, all: true })),
		(answer) => answer.containers,
	);
	for (const { id: container } of all) {
		const request = { requestId: requestId(), container, force: true, removeVolumes: true };
		await gateway.removeContainer(RemoveContainerRequest.fromPartial(request));
	}
	return all.length;
}

/** Sandboxes of other programs too; a namespace that was taken in is only let go. */
async function removeNetworks(paths: Paths): Promise<number> {
	using sandboxes = connect(paths, "netd", SandboxServiceService);
	const held = await allPages(
		(page) => sandboxes.listSandboxes(ListSandboxesRequest.fromPartial(page)),
		(answer) => answer.sandboxes,
	);
	for (const { id } of held)
		await sandboxes.deleteSandbox(DeleteSandboxRequest.fromPartial({ requestId: requestId(), id }));
	using networks = connect(paths, "netd", NetworkServiceService);
	const all = await allPages(
		(page) => networks.listNetworks(ListNetworksRequest.fromPartial(page)),
		(answer) => answer.networks,
	);
	const own = all.filter(({ name }) => !["bridge", "host", "none"].includes(name));
	for (const { id: network } of own) {
		await networks.deleteNetwork(DeleteNetworkRequest.fromPartial({ requestId: requestId(), network }));
	}
	return own.length;
}

/** Gives the names of those that stay. */
async function removeVolumes(paths: Paths, remove: boolean): Promise<string[]> {
	using volumes = connect(paths, "volumed", VolumeServiceService);
	const all = await allPages(
		(page) => volumes.listVolumes(ListVolumesRequest.fromPartial(page)),
		(answer) => answer.volumes,
	);
	if (!remove) return all.map(({ name }) => name);
	for (const { name } of all)
		await volumes.deleteVolume(DeleteVolumeRequest.fromPartial({ requestId: requestId(), name }));
	return [];
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

/** The volumes' data goes with the store that knows of them: either both stay or both go. The settings are the operator's. */
function removeFiles(paths: Paths, keepVolumes: boolean): void {
	const force = { recursive: true, force: true } as const;
	const folders = [paths.run, paths.containers, paths.nats, paths.logs, join(paths.root, TOUR)];
	for (const folder of folders) rmSync(folder, force);
	for (const name of stateFiles(paths)) {
		if (!keepVolumes || !name.startsWith("volumed.db")) rmSync(join(paths.root, "state", name), force);
	}
	if (keepVolumes) return;
	rmSync(paths.volumes, force);
	rmSync(join(paths.root, "state"), force);
	removeEmptyRoot(paths);
}

function removeEmptyRoot({ root }: Paths): void {
	try {
		if (readdirSync(root).length === 0) rmSync(root, { recursive: true });
	} catch {
		// Not there: nothing is to be removed.
	}
}
