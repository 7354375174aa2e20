/** What `wharf down --all` asks of the services while they still run, so that each undoes what is its own. */
import { randomUUID } from "node:crypto";
import {
	ContainerServiceService,
	ListContainersRequest,
	RemoveContainerRequest,
} from "#gen/wharf/container/v1/container.ts";
import { DeleteNetworkRequest, ListNetworksRequest, NetworkServiceService } from "#gen/wharf/network/v1/network.ts";
import { DeleteSandboxRequest, ListSandboxesRequest, SandboxServiceService } from "#gen/wharf/network/v1/sandbox.ts";
import { DeleteVolumeRequest, ListVolumesRequest, VolumeServiceService } from "#gen/wharf/volume/v1/volume.ts";
import type { Paths } from "#lib/config/paths.ts";
import { client } from "#lib/rpc/client.ts";
import { allPages } from "#lib/rpc/all-pages.ts";

const TIMEOUT_MS = 60_000;

export async function removeContainers(paths: Paths): Promise<number> {
	using gateway = client(ContainerServiceService, { unix: paths.socket("gateway") }, { timeoutMs: TIMEOUT_MS });
	const all = await allPages(
		(page) => gateway.listContainers(ListContainersRequest.fromPartial({ ...page, all: true })),
		(answer) => answer.containers,
	);
	for (const { id: container } of all) {
		const request = { requestId: randomUUID(), container, force: true, removeVolumes: true };
		await gateway.removeContainer(RemoveContainerRequest.fromPartial(request));
	}
	return all.length;
}

/** Sandboxes of other programs too; a namespace that was taken in is only let go. */
export async function removeNetworks(paths: Paths): Promise<number> {
	using sandboxes = client(SandboxServiceService, { unix: paths.socket("netd") }, { timeoutMs: TIMEOUT_MS });
	const held = await allPages(
		(page) => sandboxes.listSandboxes(ListSandboxesRequest.fromPartial(page)),
		(answer) => answer.sandboxes,
	);
	for (const { id } of held)
		await sandboxes.deleteSandbox(DeleteSandboxRequest.fromPartial({ requestId: randomUUID(), id }));
	using networks = client(NetworkServiceService, { unix: paths.socket("netd") }, { timeoutMs: TIMEOUT_MS });
	const all = await allPages(
		(page) => networks.listNetworks(ListNetworksRequest.fromPartial(page)),
		(answer) => answer.networks,
	);
	const own = all.filter(({ name }) => !["bridge", "host", "none"].includes(name));
	for (const { id: network } of own) {
		await networks.deleteNetwork(DeleteNetworkRequest.fromPartial({ requestId: randomUUID(), network }));
	}
	return own.length;
}

export async function volumeNames(paths: Paths): Promise<string[]> {
	using volumes = client(VolumeServiceService, { unix: paths.socket("volumed") }, { timeoutMs: TIMEOUT_MS });
	const all = await allPages(
		(page) => volumes.listVolumes(ListVolumesRequest.fromPartial(page)),
		(answer) => answer.volumes,
	);
	return all.map(({ name }) => name);
}

export async function removeVolumes(paths: Paths): Promise<void> {
	using volumes = client(VolumeServiceService, { unix: paths.socket("volumed") }, { timeoutMs: TIMEOUT_MS });
	for (const name of await volumeNames(paths)) {
		await volumes.deleteVolume(DeleteVolumeRequest.fromPartial({ requestId: randomUUID(), name }));
	}
}
