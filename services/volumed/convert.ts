/** Messages to values, strictly, with the field named in every refusal; and values to messages. Archives are in `convert-archive.ts`. */
import { isAbsolute, normalize } from "node:path";
import type * as pb from "#gen/wharf/volume/v1/volume.ts";
import { atField } from "#lib/fault/fault.ts";
import { type PageRequest, pageOf, pageToken, parsePage, parsePageByName } from "#lib/rpc/page.ts";
import {
	type Attachment,
	type AttachSpec,
	type MountPropagation,
	type MountSource,
	type MountSpec,
	parseDestination,
	PROPAGATIONS,
} from "./attachment.ts";
import type { AttachmentFilter, StoredAttachment } from "./attachment-records.ts";
import { volumeFaults } from "./faults.ts";
import { type ListedVolume, LOCAL, parseVolumeName, type VolumeSpec } from "./volume.ts";
import type { VolumeFilter } from "./volume-records.ts";

const LONGEST_LABEL = 4_096;
const DEFAULT_TMPFS_MODE = 0o1777;

export function parseCreateVolume({ name, driver, options, labels }: pb.CreateVolumeRequest): VolumeSpec {
	return {
		name: name === "" ? undefined : parseVolumeName(name),
		driver: driver || LOCAL,
		options: new Map(Object.entries(options)),
		labels: parseLabels(labels),
	};
}

export function parseListVolumes(message: pb.ListVolumesRequest): { filter: VolumeFilter; page: PageRequest<string> } {
	const { names, labels } = message;
	const filter = { names, labels: new Map(Object.entries(labels)) };
	return { filter, page: parsePageByName(message, volumeFaults.INVALID_PAGE_TOKEN) };
}

/** `volumes` may hold one more than the page: then there is a next one. */
export function renderVolumes(volumes: readonly ListedVolume[], limit: number, mountpoint: (name: string) => string) {
	const { items, next } = pageOf(volumes, limit, ({ name }) => name);
	return { volumes: items.map((volume) => renderVolume(volume, mountpoint)), nextPageToken: pageToken(next) };
}

export function renderVolume(volume: ListedVolume, mountpoint: (name: string) => string): pb.Volume {
	const { name, driver, options, labels, createdAt, anonymous, containerIds } = volume;
	return {
		name,
		driver,
		mountpoint: mountpoint(name),
		options: Object.fromEntries(options),
		labels: Object.fromEntries(labels),
		createdAt,
		anonymous,
		containerIds: [...containerIds],
	};
}

export function parseAttach(message: pb.AttachRequest): AttachSpec {
	const { containerName, mounts, imageRoot } = message;
	if (imageRoot !== "" && !isAbsolute(imageRoot)) {
		throw volumeFaults.INVALID_PATH({ path: imageRoot, problem: "it is no absolute path" }, { field: "image_root" });
	}
	return {
		...parseParty(message),
		containerName,
		mounts: mounts.map((mount, index) => atField(`mounts[${index}]`, () => parseMount(mount))),
		imageRoot: imageRoot === "" ? undefined : imageRoot,
	};
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
	const { id, holder, containerId, containerName, mounts, createdAt } = attachment;
	return {
		id,
		holder,
		containerId,
		containerName,
		mounts: mounts.map((mount) => ({ ...mount, options: [...mount.options] })),
		createdAt,
	};
}

function parseMount({ destination, readOnly, source }: pb.MountSpec): MountSpec {
	const parsed = parseDestination(destination);
	if (source === undefined) throw volumeFaults.SOURCE_MISSING({ destination });
	return { destination: parsed, readOnly, source: parseSource(source) };
}

function parseSource(source: NonNullable<pb.MountSpec["source"]>): MountSource {
	switch (source.$case) {
		case "volume": {
			const { name, noCopy } = source.value;
			return { kind: "volume", name: name === "" ? undefined : parseVolumeName(name), copy: !noCopy };
		}
		case "bind": {
			const { path, create, propagation } = source.value;
			if (!isAbsolute(path)) throw volumeFaults.INVALID_SOURCE({ path, problem: "it is no absolute path" });
			if (path.includes("\0")) throw volumeFaults.INVALID_SOURCE({ path, problem: "it has a zero byte" });
			const normal = normalize(path).replace(/(?<=.)\/$/, "");
			return { kind: "bind", path: normal, create, propagation: parsePropagation(propagation) };
		}
		case "tmpfs": {
			const { sizeBytes, mode } = source.value;
			if (mode > 0o7777) {
				const allowed = "a mode of at most 7777, octal";
				throw volumeFaults.INVALID_OPTION({ option: "mode", value: mode.toString(8), allowed });
			}
			return { kind: "tmpfs", sizeBytes, mode: mode === 0 ? DEFAULT_TMPFS_MODE : mode };
		}
	}
}

function parsePropagation(text: string): MountPropagation {
	const found = PROPAGATIONS.find((propagation) => propagation === (text || "rprivate"));
	if (found !== undefined) return found;
	throw volumeFaults.INVALID_OPTION({ option: "propagation", value: text, allowed: PROPAGATIONS.join(", ") });
}

function parseParty({ holder, containerId }: { holder: string; containerId: string }) {
	return { holder: identifier("holder", holder), containerId: identifier("container_id", containerId) };
}

function identifier(what: string, text: string): string {
	if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/.test(text)) return text;
	const allowed = "1 to 128 letters, digits, `_`, `.` and `-`, a letter or a digit first";
	throw volumeFaults.INVALID_IDENTIFIER({ what, allowed }, { field: what });
}

function parseLabels(labels: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
	for (const [label, value] of Object.entries(labels)) {
		if (label === "") throw volumeFaults.INVALID_LABEL({ label, problem: "has no name" }, { field: "labels" });
		if (label.length + value.length > LONGEST_LABEL) {
			throw volumeFaults.INVALID_LABEL(
				{ label: label.slice(0, 100), problem: `has more than ${LONGEST_LABEL} characters` },
				{ field: "labels" },
			);
		}
	}
	return new Map(Object.entries(labels));
}
