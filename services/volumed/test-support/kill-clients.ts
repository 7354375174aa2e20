/** Programs that ask volumed for anything at any time, each for things of its own, and know what they were told. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
	ActivateAttachmentRequest,
	AttachRequest,
	CreateVolumeRequest,
	DeactivateAttachmentRequest,
	DeleteVolumeRequest,
	DetachRequest,
	ListAttachmentsRequest,
	ListPublicationsRequest,
	ListVolumesRequest,
	MountIntoRequest,
	MountSpec,
	PruneVolumesRequest,
	PublishVolumeRequest,
	RenameVolumeRequest,
	UnmountFromRequest,
	UnpublishVolumeRequest,
	UpdateVolumeRequest,
} from "#gen/wharf/volume/v1/volume.ts";
import { Fault } from "#lib/fault/fault.ts";
import type { KillScene } from "./kill-scene.ts";

const HOLDER = "random";
const CLIENTS = 4;
const DESTINATION = "/live/here";

export interface Choices {
	/** From 0 up to, and without, `end`. */
	below(end: number): number;
}

interface Client {
	readonly scene: KillScene;
	readonly random: Choices;
	readonly own: string;
	readonly signal: AbortSignal;
	/** Nothing is written that a power cut may take. */
	readonly writes: boolean;
}

type Operation = (client: Client) => Promise<unknown>;

/** Names of a client; the last one is of no kind but the first. */
const KINDS: readonly ((scene: KillScene) => Readonly<Record<string, string>>)[] = [
	() => ({}),
	() => ({}),
	() => ({ type: "tmpfs", device: "tmpfs" }),
	(scene) => ({ type: "none", o: "bind", device: scene.at("source") }),
	() => ({ size: "16m" }),
];
const nameOf = ({ own }: Client, index: number): string => `${own}-${index}`;
const any = (client: Client): number => client.random.below(KINDS.length);
const options = ({ signal }: Client) => ({ signal, timeoutMs: 30_000 });
const containerOf = (client: Client): string => `${client.own}${client.random.below(2)}`;
const pathOf = (client: Client): string => join(client.scene.at("pub"), `${client.own}${client.random.below(2)}`);

/** From its beginning nobody knows; when it has ended well, everybody does. */
async function known(
	client: Client,
	name: string,
	from: "there" | "gone",
	body: () => Promise<unknown>,
): Promise<void> {
	const { promised, deleted, written } = client.scene;
	promised.delete(name);
	deleted.delete(name);
	if (from === "there") written.delete(name);
	await body();
	(from === "there" ? deleted : promised).add(name);
}

const create: Operation = async (client) => {
	const { scene, writes } = client;
	const index = any(client);
	const name = nameOf(client, index);
	const request = CreateVolumeRequest.fromPartial({ name, options: KINDS[index]?.(scene) ?? {} });
	await known(client, name, "gone", () => scene.daemon.volumes.createVolume(request, options(client)));
	if (index > 1 || !writes) return;
	writeFileSync(join(scene.volumes, name, "_data/mark"), name);
	scene.written.set(name, { names: [name], file: "mark" });
};
const remove: Operation = async (client) => {
	const name = nameOf(client, any(client));
	const wasPromised = client.scene.promised.has(name);
	const before = client.scene.written.get(name);
	try {
		await known(client, name, "there", () =>
			client.scene.daemon.volumes.deleteVolume(DeleteVolumeRequest.fromPartial({ name }), options(client)),
		);
	} catch (error) {
		if (!(error instanceof Fault) || error.reason !== "VOLUME_IN_USE") throw error;
		if (wasPromised) client.scene.promised.add(name);
		if (before !== undefined) client.scene.written.set(name, before);
		throw error;
	}
};
/** There and back again: in between it has a name that nobody else uses. */
const rename: Operation = async (client) => {
	const { scene } = client;
	const name = nameOf(client, client.random.below(2));
	const other = `${name}x`;
	const [from, to] = client.random.below(2) === 0 ? [name, other] : [other, name];
	scene.promised.delete(from);
	scene.deleted.delete(to);
	const found = scene.written.get(name);
	if (found !== undefined) scene.written.set(name, { ...found, names: [name, other] });
	await scene.daemon.volumes.renameVolume(
		RenameVolumeRequest.fromPartial({ name: from, newName: to }),
		options(client),
	);
	scene.promised.add(to);
	scene.deleted.add(from);
};
const label: Operation = (client) => {
	const change = { name: nameOf(client, any(client)), setLabels: { a: String(client.random.below(9)) } };
	return client.scene.daemon.volumes.updateVolume(UpdateVolumeRequest.fromPartial(change), options(client));
};
const prune: Operation = (client) =>
	client.scene.daemon.volumes.pruneVolumes(PruneVolumesRequest.fromPartial({}), options(client));

const attach: Operation = (client) => {
	const { scene, random } = client;
	const owners = [{ onDisk: 0, seen: 100_000, count: 1000 }];
	const mounts = Array.from({ length: 1 + random.below(4) }, (_, at) => {
		const name = random.below(5) === 0 ? "" : nameOf(client, any(client));
		const mapped = random.below(4) === 0 && !/-[23]$/.test(name);
		const value = { name, subpath: "" };
		const spec = MountSpec.fromPartial({ destination: `/at/${at}`, source: { $case: "volume", value } });
		if (mapped) spec.ownerMap = { uids: owners, gids: owners };
		if (name === "") spec.destination = "/etc/app";
		return spec;
	});
	for (const { source } of mounts) if (source?.$case === "volume") scene.deleted.delete(source.value.name);
	const request = AttachRequest.fromPartial({ holder: HOLDER, containerId: containerOf(client) });
	request.mounts = mounts;
	request.imageRoot = scene.at("image");
	request.activateLater = random.below(2) === 0;
	return scene.daemon.attachments.attach(request, options(client));
};
const activate: Operation = (client) => {
	const request = ActivateAttachmentRequest.fromPartial({ holder: HOLDER, containerId: containerOf(client) });
	return client.scene.daemon.attachments.activateAttachment(request, options(client));
};
const deactivate: Operation = (client) => {
	const request = DeactivateAttachmentRequest.fromPartial({ holder: HOLDER, containerId: containerOf(client) });
	return client.scene.daemon.attachments.deactivateAttachment(request, options(client));
};
const detach: Operation = (client) => {
	const party = { holder: HOLDER, containerId: containerOf(client), removeAnonymous: client.random.below(2) === 0 };
	return client.scene.daemon.attachments.detach(DetachRequest.fromPartial(party), options(client));
};
const publish: Operation = (client) => {
	const what = { holder: HOLDER, volume: nameOf(client, any(client)), path: pathOf(client) };
	const request = PublishVolumeRequest.fromPartial({ ...what, readOnly: client.random.below(2) === 0 });
	return client.scene.daemon.publications.publishVolume(request, options(client));
};
const unpublish: Operation = (client) => {
	const request = UnpublishVolumeRequest.fromPartial({ path: pathOf(client) });
	return client.scene.daemon.publications.unpublishVolume(request, options(client));
};
const mountInto: Operation = (client) => {
	const { scene, own } = client;
	const value = { name: nameOf(client, any(client)) };
	scene.deleted.delete(value.name);
	const mount = { destination: `${DESTINATION}/${own}`, source: { $case: "volume" as const, value } };
	const request = { holder: HOLDER, containerId: own, pid: scene.process.pid, mount };
	return scene.daemon.attachments.mountInto(MountIntoRequest.fromPartial(request), options(client));
};
const unmountFrom: Operation = (client) => {
	const party = { holder: HOLDER, containerId: client.own, destination: `${DESTINATION}/${client.own}` };
	return client.scene.daemon.attachments.unmountFrom(UnmountFromRequest.fromPartial(party), options(client));
};

const OPERATIONS: readonly Operation[] = [
	...[create, create, create, remove, remove, rename, label, prune],
	...[attach, attach, activate, deactivate, detach, publish, unpublish, mountInto, unmountFrom],
];

export interface Clients {
	readonly random: Choices;
	/** They write to volumes, and expect to find it again. */
	readonly writes?: boolean;
	readonly report: (problem: string) => void;
}

/** Resolves when volumed has ended and all of them know it; gives the number of answers that they got. */
export async function askForAnything(scene: KillScene, { random, writes = true, report }: Clients): Promise<number> {
	const death = new AbortController();
	const dead = scene.daemon.ended().then(() => death.abort());
	let answers = 0;
	const run = async (own: string): Promise<void> => {
		const client = { scene, random, own, signal: death.signal, writes };
		while (!death.signal.aborted) {
			const operation = OPERATIONS[random.below(OPERATIONS.length)] ?? create;
			try {
				await operation(client);
			} catch (error) {
				if (death.signal.aborted || (error instanceof Fault && error.code === "UNAVAILABLE")) break;
				const isRefusal = error instanceof Fault && error.domain === "volumed" && error.code !== "INTERNAL";
				if (!isRefusal)
					report(`a client was told: ${error instanceof Fault ? `${error.reason} ${error.message}` : String(error)}`);
			}
			answers += 1;
		}
	};
	await Promise.all([...Array.from({ length: CLIENTS }, (_, index) => run(`c${index}`)), dead]);
	return answers;
}

/** Everything that anybody has of volumed is given back. */
export async function giveAllBack({ daemon, promised }: KillScene): Promise<void> {
	const { publications } = await daemon.publications.listPublications(ListPublicationsRequest.fromPartial({}));
	for (const { path } of publications)
		await daemon.publications.unpublishVolume(UnpublishVolumeRequest.fromPartial({ path }));
	for (let index = 0; index < CLIENTS; index++) {
		const party = { holder: HOLDER, containerId: `c${index}`, destination: `${DESTINATION}/c${index}` };
		await daemon.attachments.unmountFrom(UnmountFromRequest.fromPartial(party));
	}
	const { attachments } = await daemon.attachments.listAttachments(ListAttachmentsRequest.fromPartial({}));
	for (const { holder, containerId } of attachments)
		await daemon.attachments.detach(DetachRequest.fromPartial({ holder, containerId, removeAnonymous: true }));
	promised.clear();
	const { volumes } = await daemon.volumes.listVolumes(ListVolumesRequest.fromPartial({}));
	for (const { name } of volumes) await daemon.volumes.deleteVolume(DeleteVolumeRequest.fromPartial({ name }));
}
