/** What `wharf down --all` asks of the services while they still run, so that each undoes what is its own. */
import { randomUUID } from "node:crypto";
import {
	ContainerServiceService,
	ListContainersRequest,
	RemoveContainerRequest,
} from "#gen/wharf/container/v1/container.ts";
import { DeleteNetworkRequest, ListNetworksRequest, NetworkServiceService } from "#gen/wharf/network/v1/network.ts";
import { DeleteSandboxRequest, ListSandboxesRequest, SandboxServiceService } from "#gen/wharf/network/v1/sandbox.ts";
import {
	AttachmentServiceService,
	DeleteVolumeRequest,
	DetachRequest,
	ListAttachmentsRequest,
	ListPublicationsRequest,
	ListVolumesRequest,
	PublicationServiceService,
	UnpublishVolumeRequest,
	VolumeServiceService,
} from "#gen/wharf/volume/v1/volume.ts";
import type { Paths } from "#lib/config/paths.ts";
import { client } from "#lib/rpc/client.ts";
import { allPages } from "#lib/rpc/all-pages.ts";
import { DEFAULT_BRIDGE } from "../default-bridge.ts";

const TIMEOUT_MS = 60_000;

/** Is told of what could not be removed; the rest is removed all the same. */
export type Failed = (error: unknown) => void;

/** Gives how many. */
export async function removeContainers(paths: Paths, failed: Failed): Promise<number> {
	using gateway = client(ContainerServiceService, { unix: paths.socket("gateway") }, { timeoutMs: TIMEOUT_MS });
	const all = await allPages(
		(page) => gateway.listContainers(ListContainersRequest.fromPartial({ ...page, all: true })),
		(answer) => answer.containers,
	);
	return await removeEach(all, failed, ({ id: container }) => {
		const request = { requestId: randomUUID(), container, force: true, removeVolumes: true };
		return gateway.removeContainer(RemoveContainerRequest.fromPartial(request));
	});
}

/** Gives how many. Sandboxes of other programs go too; a namespace that was taken in is only let go. */
export async function removeNetworks(paths: Paths, failed: Failed): Promise<number> {
	using sandboxes = client(SandboxServiceService, { unix: paths.socket("netd") }, { timeoutMs: TIMEOUT_MS });
	const held = await allPages(
		(page) => sandboxes.listSandboxes(ListSandboxesRequest.fromPartial(page)),
		(answer) => answer.sandboxes,
	);
	await removeEach(held, failed, ({ id }) =>
		sandboxes.deleteSandbox(DeleteSandboxRequest.fromPartial({ requestId: randomUUID(), id })),
	);
	using networks = client(NetworkServiceService, { unix: paths.socket("netd") }, { timeoutMs: TIMEOUT_MS });
	const all = await allPages(
		(page) => networks.listNetworks(ListNetworksRequest.fromPartial(page)),
		(answer) => answer.networks,
	);
	const own = all.filter(({ name }) => ![DEFAULT_BRIDGE, "host", "none"].includes(name));
	// A configuration goes after those that were made from it.
	const ordered = own.toSorted((a, b) => Number(a.configOnly) - Number(b.configOnly));
	return await removeEach(ordered, failed, ({ id: network }) =>
		networks.deleteNetwork(DeleteNetworkRequest.fromPartial({ requestId: randomUUID(), network })),
	);
}

/** What is left of attachments when the containers are gone: other programs'. Their volumes without a name go as well. */
export async function removeAttachments(paths: Paths, failed: Failed): Promise<void> {
	using attachments = client(AttachmentServiceService, { unix: paths.socket("volumed") }, { timeoutMs: TIMEOUT_MS });
	const all = await allPages(
		(page) => attachments.listAttachments(ListAttachmentsRequest.fromPartial(page)),
		(answer) => answer.attachments,
	);
	await removeEach(all, failed, ({ holder, containerId }) => {
		const request = { requestId: randomUUID(), holder, containerId, removeAnonymous: true };
		return attachments.detach(DetachRequest.fromPartial(request));
	});
}

/** Volumes leave the paths of the host. */
export async function removePublications(paths: Paths, failed: Failed): Promise<void> {
	using publications = client(PublicationServiceService, { unix: paths.socket("volumed") }, { timeoutMs: TIMEOUT_MS });
	const all = await allPages(
		(page) => publications.listPublications(ListPublicationsRequest.fromPartial(page)),
		(answer) => answer.publications,
	);
	await removeEach(all, failed, ({ path }) =>
		publications.unpublishVolume(UnpublishVolumeRequest.fromPartial({ requestId: randomUUID(), path })),
	);
}

export async function volumeNames(paths: Paths): Promise<string[]> {
	using volumes = client(VolumeServiceService, { unix: paths.socket("volumed") }, { timeoutMs: TIMEOUT_MS });
	const all = await allPages(
		(page) => volumes.listVolumes(ListVolumesRequest.fromPartial(page)),
		(answer) => answer.volumes,
	);
	return all.map(({ name }) => name);
}

export async function removeVolumes(paths: Paths, failed: Failed): Promise<void> {
	using volumes = client(VolumeServiceService, { unix: paths.socket("volumed") }, { timeoutMs: TIMEOUT_MS });
	await removeEach(await volumeNames(paths), failed, (name) =>
		volumes.deleteVolume(DeleteVolumeRequest.fromPartial({ requestId: randomUUID(), name })),
	);
}

async function removeEach<T>(all: readonly T[], failed: Failed, remove: (one: T) => Promise<unknown>): Promise<number> {
	let removed = 0;
	for (const one of all) {
		try {
			await remove(one);
			removed++;
		} catch (error) {
			failed(error);
		}
	}
	return removed;
}
