/** Messages to values, strictly, with the field named in every refusal; and values to messages. Archives are in `convert-archive.ts`. */
import { isAbsolute, resolve } from "node:path";
import type * as pb from "#gen/wharf/volume/v1/volume.ts";
import { atField } from "#lib/fault/fault.ts";
import { type PageRequest, pageOf, pageToken, parsePage, parsePageByName } from "#lib/rpc/page.ts";
import {
	type ActivateSpec,
	type Attachment,
	type AttachSpec,
	type LiveMount,
	parseDestination,
	parseSubpath,
	type Party,
} from "./attachment.ts";
import type { AttachmentFilter, StoredAttachment } from "./attachment-records.ts";
import { parseMount, parseMounts, renderResolved } from "./convert-mount.ts";
import { volumeFaults } from "./faults.ts";
import { parseLabels } from "./labels.ts";
import type { LiveMountSpec } from "./live-mounts.ts";
import { NamePatterns } from "./name-patterns.ts";
import type { Publication, PublicationSpec } from "./publication.ts";
import type { Pruned, PruneSpec } from "./prune.ts";
import { type DescribedVolume, LOCAL, parseVolumeName, type VolumeSpec, withoutSecrets } from "./volume.ts";
import { EVERY_VOLUME, type VolumeFilter } from "./volume-records.ts";

export function parseCreateVolume({ name, driver, options, labels }: pb.CreateVolumeRequest): VolumeSpec {
	return {
		name: name === "" ? undefined : parseVolumeName(name),
		driver: driver || LOCAL,
		options: new Map(Object.entries(options)),
		labels: parseLabels(labels),
	};
}

export function parseListVolumes(message: pb.ListVolumesRequest): {
	filter: VolumeFilter;
	page: PageRequest<string>;
	withUsage: boolean;
} {
	const { names, labels, drivers, dangling, anonymous, namePatterns, withUsage } = message;
	const patterns = NamePatterns.parse(namePatterns);
	const filter = {
		...EVERY_VOLUME,
		names,
		labels: new Map(Object.entries(labels)),
		drivers,
		dangling,
		anonymous,
		patterns,
	};
	return { filter, page: parsePageByName(message, volumeFaults.INVALID_PAGE_TOKEN), withUsage };
}

export function renderVolume(volume: DescribedVolume): pb.Volume {
	const { name, driver, place, options, labels, createdAt, anonymous, containerIds, status, publishedAt, usage } =
		volume;
	return {
		name,
		driver,
		mountpoint: place,
		options: Object.fromEntries(withoutSecrets(options)),
		labels: Object.fromEntries(labels),
		createdAt,
		anonymous,
		containerIds: [...containerIds],
		status: Object.fromEntries(status),
		publishedAt: [...publishedAt],
		usage,
	};
}

export function parseUpdateVolume({ name, setLabels, removeLabels }: pb.UpdateVolumeRequest) {
	return { name: parseVolumeName(name), change: { set: parseLabels(setLabels), remove: removeLabels } };
}

export function parseRenameVolume({ name, newName }: pb.RenameVolumeRequest) {
	return { name: parseVolumeName(name), newName: atField("new_name", () => parseVolumeName(newName)) };
}

export function parsePrune({ all, dryRun, labels, withoutLabels, until }: pb.PruneVolumesRequest): PruneSpec {
	const maps = { labels: new Map(Object.entries(labels)), withoutLabels: new Map(Object.entries(withoutLabels)) };
	return { all, dryRun, ...maps, until };
}

export function renderPruned({ names, reclaimedBytes, problems }: Pruned): pb.PruneVolumesResponse {
	return { names: [...names], reclaimedBytes, problems: [...problems] };
}

export function parseAttach(message: pb.AttachRequest): AttachSpec {
	const { containerName, mounts, imageRoot, mountsOf, activateLater, cgroup } = message;
	if (imageRoot !== "" && !isAbsolute(imageRoot)) {
		throw volumeFaults.INVALID_PATH({ path: imageRoot, problem: "it is no absolute path" }, { field: "image_root" });
	}
	return {
		...parseParty(message),
		containerName,
		mounts: parseMounts(mounts, "mounts"),
		mountsOf: mountsOf.map(({ containerId, readOnly }, index) => {
			return { containerId: atField(`mounts_of[${index}]`, () => identifier("container_id", containerId)), readOnly };
		}),
		imageRoot: imageRoot === "" ? undefined : imageRoot,
		activateLater,
		cgroup: parseCgroup(cgroup),
	};
}

export function parseActivate(message: pb.ActivateAttachmentRequest): ActivateSpec {
	return { ...parseParty(message), cgroup: parseCgroup(message.cgroup) };
}

/** The uppermost group has everybody in it, volumed too. */
function parseCgroup(cgroup: string | undefined): string | undefined {
	return cgroup === undefined || cgroup === "" ? cgroup : shortestPath(cgroup, "cgroup");
}

export function parseDetach(message: pb.DetachRequest) {
	return { party: parseParty(message), removeAnonymous: message.removeAnonymous };
}

export function parseListAttachments(message: pb.ListAttachmentsRequest): {
	filter: AttachmentFilter;
	page: PageRequest;
} {
	const { holder, containerId, volume } = message;
	const given = (text: string): string | undefined => (text === "" ? undefined : text);
	return {
		filter: { holder: given(holder), containerId: given(containerId), volume: given(volume) },
		page: parsePage(message, volumeFaults.INVALID_PAGE_TOKEN),
	};
}

export function renderAttachments(attachments: readonly StoredAttachment[], limit: number): pb.ListAttachmentsResponse {
	const { items, next } = pageOf(attachments, limit, ({ row }) => row);
	return { attachments: items.map(renderAttachment), nextPageToken: pageToken(next) };
}

export function renderAttachment(attachment: Attachment): pb.Attachment {
	const { id, holder, containerId, containerName, mounts, createdAt, active, cgroup } = attachment;
	return { id, holder, containerId, containerName, mounts: mounts.map(renderResolved), createdAt, active, cgroup };
}

export function parseMountInto(message: pb.MountIntoRequest): LiveMountSpec {
	const { containerName, pid, mount } = message;
	if (mount === undefined) throw volumeFaults.SOURCE_MISSING({ destination: "" }, { field: "mount" });
	return { ...parseParty(message), containerName, pid, mount: atField("mount", () => parseMount(mount)) };
}

export function renderLiveMount({ id, process, mount }: LiveMount): pb.MountIntoResponse {
	return { mount: { id, pid: process.pid, mount: renderResolved(mount) } };
}

export function parseUnmountFrom(message: pb.UnmountFromRequest) {
	return { party: parseParty(message), destination: parseDestination(message.destination) };
}

export function parsePublish({ holder, volume, path, subpath, readOnly }: pb.PublishVolumeRequest): PublicationSpec {
	return {
		holder: identifier("holder", holder),
		volume: atField("volume", () => parseVolumeName(volume)),
		path: parsePublishedPath(path),
		subpath: parseSubpath(subpath),
		readOnly,
	};
}

export function parsePublishedPath(path: string): string {
	return shortestPath(path, "path");
}

function shortestPath(path: string, field: string): string {
	const refuse = (problem: string) => volumeFaults.INVALID_PATH({ path: path.slice(0, 200), problem }, { field });
	if (!isAbsolute(path)) throw refuse("it is no absolute path");
	if (path.includes("\0")) throw refuse("it has a zero byte");
	if (Buffer.byteLength(path) > 4095) throw refuse("it is too long");
	if (path.split("/").includes("..")) throw refuse("it has `..`");
	const normal = resolve(path);
	if (normal === "/") throw refuse("it is the root");
	return normal;
}

export function parseListPublications(message: pb.ListPublicationsRequest) {
	return { volume: message.volume, page: parsePageByName(message, volumeFaults.INVALID_PAGE_TOKEN) };
}

export function renderPublications(publications: readonly Publication[], limit: number): pb.ListPublicationsResponse {
	const { items, next } = pageOf(publications, limit, ({ path }) => path);
	return { publications: items.map(renderPublication), nextPageToken: pageToken(next) };
}

export function renderPublication({ path, volume, subpath, readOnly, holder, createdAt }: Publication): pb.Publication {
	return { path, volume, subpath, readOnly, holder, createdAt };
}

export function parseParty({ holder, containerId }: { holder: string; containerId: string }): Party {
	return { holder: identifier("holder", holder), containerId: identifier("container_id", containerId) };
}

function identifier(what: string, text: string): string {
	if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/.test(text)) return text;
	const allowed = "1 to 128 letters, digits, `_`, `.` and `-`, a letter or a digit first";
	throw volumeFaults.INVALID_IDENTIFIER({ what, allowed }, { field: what });
}
