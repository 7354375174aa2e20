/**
 * Everything that is asked of volumed, short of backups and of restores beside a content: each step is one call with a request id of its own, and what somebody does
 * with its result. Between them they pass every kill point that volumed passes on such a disk while it runs.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
	ActivateAttachmentRequest,
	AttachRequest,
	CreateVolumeRequest,
	DeactivateAttachmentRequest,
	DeleteVolumeRequest,
	DetachRequest,
	MountIntoRequest,
	MountSpec,
	PruneVolumesRequest,
	PublishVolumeRequest,
	RenameVolumeRequest,
	RestoreSpec,
	type RestoreVolumeRequest,
	UnmountFromRequest,
	UnpublishVolumeRequest,
	UpdateVolumeRequest,
	type VerifyArchiveRequest,
} from "#gen/wharf/volume/v1/volume.ts";
import { unmount } from "#lib/linux/mount/mount.ts";
import type { CallOptions } from "#lib/rpc/client.ts";
import { tarOf } from "./archive.ts";
import { type KillScene, mountPaths, wholeOf } from "./kill-scene.ts";

export const HOLDER = "kills";

/** What there is for a step. */
export interface Stage {
	readonly scene: KillScene;
	readonly options: CallOptions;
}

export interface Step {
	/** Also its request id. */
	readonly name: string;
	/** The reason of the fault that the step has to come to. */
	readonly fault?: string;
	/** Volumes that somebody was promised when it has ended well. */
	readonly promises?: readonly string[];
	/** Those that are nobody's any more once it has begun. */
	readonly drops?: readonly string[];
	act(stage: Stage, requestId: string): Promise<unknown>;
}

type Source = Partial<CreateVolumeRequest>;
type Shown = Partial<Pick<MountSpec, "readOnly" | "ownerMap">> & { readonly subpath?: string };
type Kept = Pick<Step, "promises" | "drops">;

const bind = (destination: string, path: string, { create = false, readOnly = false } = {}): MountSpec =>
	MountSpec.fromPartial({ destination, readOnly, source: { $case: "bind", value: { path, create } } });
const mount = (destination: string, name: string, { subpath = "", ...rest }: Shown = {}): MountSpec => ({
	...MountSpec.fromPartial({ destination, source: { $case: "volume", value: { name, subpath } } }),
	...rest,
});

function create(name: string, request: Source | ((scene: KillScene) => Source)): Step {
	return {
		name: `create ${name}`,
		promises: [name],
		act: ({ scene, options }, requestId) => {
			const more = typeof request === "function" ? request(scene) : request;
			return scene.daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ requestId, name, ...more }), options);
		},
	};
}

function remove(name: string): Step {
	return {
		name: `delete ${name}`,
		drops: [name],
		act: ({ scene, options }, requestId) =>
			scene.daemon.volumes.deleteVolume(DeleteVolumeRequest.fromPartial({ requestId, name }), options),
	};
}

function attach(
	containerId: string,
	request: (scene: KillScene) => Partial<AttachRequest>,
	{ again = false, ...kept }: Kept & { readonly again?: boolean } = {},
): Step {
	return {
		name: `attach ${containerId}${again ? " again" : ""}`,
		...kept,
		act: ({ scene, options }, requestId) => {
			const asked = AttachRequest.fromPartial({ requestId, holder: HOLDER, containerId, ...request(scene) });
			return scene.daemon.attachments.attach(asked, options);
		},
	};
}

function activate(containerId: string, fault?: string): Step {
	return {
		name: `activate ${containerId}`,
		...(fault !== undefined && { fault }),
		act: ({ scene, options }, requestId) => {
			const request = ActivateAttachmentRequest.fromPartial({ requestId, holder: HOLDER, containerId });
			return scene.daemon.attachments.activateAttachment(request, options);
		},
	};
}

function deactivate(containerId: string): Step {
	return {
		name: `deactivate ${containerId}`,
		act: ({ scene, options }, requestId) => {
			const request = DeactivateAttachmentRequest.fromPartial({ requestId, holder: HOLDER, containerId });
			return scene.daemon.attachments.deactivateAttachment(request, options);
		},
	};
}

function detach(containerId: string, removeAnonymous: boolean): Step {
	return {
		name: `detach ${containerId}`,
		act: ({ scene, options }, requestId) => {
			const request = DetachRequest.fromPartial({ requestId, holder: HOLDER, containerId, removeAnonymous });
			return scene.daemon.attachments.detach(request, options);
		},
	};
}

function publish(at: string, volume: string, more: Partial<PublishVolumeRequest> = {}, again = false): Step {
	return {
		name: `publish ${at}${again ? " again" : ""}`,
		act: ({ scene, options }, requestId) => {
			const path = join(scene.at("pub"), at);
			const request = PublishVolumeRequest.fromPartial({ requestId, holder: HOLDER, volume, path, ...more });
			return scene.daemon.publications.publishVolume(request, options);
		},
	};
}

function unpublish(at: string): Step {
	return {
		name: `unpublish ${at}`,
		act: ({ scene, options }, requestId) => {
			const request = UnpublishVolumeRequest.fromPartial({ requestId, path: join(scene.at("pub"), at) });
			return scene.daemon.publications.unpublishVolume(request, options);
		},
	};
}

/** Into the process that was started last. */
function mountInto(containerId: string, what: (scene: KillScene) => MountSpec, kept: Kept = {}): Step {
	return {
		name: `mount into ${containerId}`,
		...kept,
		act: ({ scene, options }, requestId) => {
			const { pid } = scene.process;
			const request = { requestId, holder: HOLDER, containerId, pid, mount: what(scene) };
			return scene.daemon.attachments.mountInto(MountIntoRequest.fromPartial(request), options);
		},
	};
}

function unmountFrom(containerId: string, destination: string): Step {
	return {
		name: `unmount ${destination} from ${containerId}`,
		act: ({ scene, options }, requestId) => {
			const request = UnmountFromRequest.fromPartial({ requestId, holder: HOLDER, containerId, destination });
			return scene.daemon.attachments.unmountFrom(request, options);
		},
	};
}

/** By somebody who uses the volume; it may have another name later. */
function write(volume: string, later: readonly string[] = []): Step {
	return {
		name: `write to ${volume}`,
		act: async ({ scene }) => {
			const folder = join(scene.volumes, volume, "_data");
			mkdirSync(join(folder, "part"), { recursive: true });
			writeFileSync(join(folder, "mark"), volume);
			scene.written.set(volume, { names: [volume, ...later], file: "mark" });
		},
	};
}

/** From an archive by hand. What the volume shows may be at a path in the scene, where it can be looked at at any moment. */
function restore(volume: string, files: Readonly<Record<string, string>>, shownAt?: string): Step {
	const text = wholeOf(files);
	return {
		name: `restore ${volume} to ${text}`,
		act: async ({ scene, options }, requestId) => {
			const path = scene.at(`${volume}.tar`);
			writeFileSync(path, tarOf(Object.entries(files).map(([name, content]) => ({ name, content }))));
			if (shownAt !== undefined) scene.mayBecome(scene.at(shownAt), text);
			const spec = RestoreSpec.fromPartial({ requestId, volume, path, replace: true });
			await Array.fromAsync(scene.daemon.backups.restoreVolume(specified(spec), options));
			if (shownAt !== undefined) scene.hasBecome(scene.at(shownAt), text);
		},
	};
}

async function* specified(value: RestoreSpec): AsyncGenerator<RestoreVolumeRequest> {
	yield { part: { $case: "spec", value } };
}

/** An archive that a restore has left. */
function verify(volume: string): Step {
	return {
		name: `verify ${volume}`,
		act: async ({ scene, options }, requestId) => {
			const value = { requestId, path: scene.at(`${volume}.tar`), volume, maxExpansion: 0 };
			async function* asked(): AsyncGenerator<VerifyArchiveRequest> {
				yield { part: { $case: "spec", value } };
			}
			await Array.fromAsync(scene.daemon.backups.verifyArchive(asked(), options));
		},
	};
}

const outside = (name: string, act: (scene: KillScene) => unknown): Step => ({
	name,
	act: async ({ scene }) => act(scene),
});

/** Publications of it show what it was from then on. */
function unmountVolume({ folder, volumes }: KillScene, name: string): void {
	const path = join(volumes, name, "_data");
	if (mountPaths(folder).includes(path)) unmount(path, { detach: true });
}

const OWNERS = { uids: [{ onDisk: 0, seen: 100_000, count: 1000 }], gids: [{ onDisk: 0, seen: 100_000, count: 1000 }] };
const VOLATILE = { type: "tmpfs", device: "tmpfs", o: "size=1m" };
const BIND = { type: "none", o: "bind" };

const WEB = (scene: KillScene): Partial<AttachRequest> => ({
	imageRoot: scene.at("image"),
	mounts: [
		mount("/data", "elm"),
		mount("/sized", "sized"),
		mount("/memory", "memory"),
		mount("/bound", "bound"),
		mount("/plugged", `plugged-${scene.plugin}`),
		mount("/etc/app", "conf"),
		mount("/etc/empty", "like"),
		mount("/scratch", ""),
		mount("/part", "elm", { subpath: "part", readOnly: true }),
		mount("/mapped", "elm", { ownerMap: OWNERS }),
		bind("/made", scene.at("made/here"), { create: true }),
		bind("/source", scene.at("source")),
	],
});
const WORKER = (): Partial<AttachRequest> => ({
	activateLater: true,
	mountsOf: [{ containerId: "web", readOnly: true }],
	mounts: [mount("/own", "sized"), mount("/own/part", "elm", { subpath: "part" })],
});

/** Volumes come, are used in every way, and go. */
export const SCENARIO: readonly Step[] = [
	create("oak", { labels: { of: "oak" } }),
	write("oak", ["elm"]),
	{
		name: "label",
		act: ({ scene, options }, requestId) => {
			const change = { requestId, name: "oak", setLabels: { more: "1" } };
			return scene.daemon.volumes.updateVolume(UpdateVolumeRequest.fromPartial(change), options);
		},
	},
	{
		name: "rename",
		promises: ["elm"],
		drops: ["oak"],
		act: ({ scene, options }, requestId) => {
			const request = RenameVolumeRequest.fromPartial({ requestId, name: "oak", newName: "elm" });
			return scene.daemon.volumes.renameVolume(request, options);
		},
	},
	create("sized", { options: { size: "16m" } }),
	create("memory", { options: VOLATILE }),
	create("bound", (scene) => ({ options: { ...BIND, device: scene.at("source") } })),
	{
		name: "create of the plugin",
		act: ({ scene, options }, requestId) => {
			const name = `plugged-${scene.plugin}`;
			const request = CreateVolumeRequest.fromPartial({ requestId, name, driver: scene.plugin });
			return scene.daemon.volumes.createVolume(request, options);
		},
	},
	restore("bound", { file: "of an archive", second: "of an archive" }, "source"),
	verify("bound"),
	restore("sized", { first: "of an archive" }),
	attach("web", WEB, { promises: ["conf", "like"] }),
	attach("web", WEB, { again: true }),
	write("sized"),
	attach("worker", WORKER),
	attach("worker", WORKER, { again: true }),
	activate("worker"),
	deactivate("worker"),
	deactivate("web"),
	activate("web"),
	publish("one", "elm"),
	publish("two", "elm", { subpath: "part", readOnly: true }),
	publish("three", "sized"),
	publish("one", "elm", {}, true),
	create("moved", { options: VOLATILE }),
	publish("four", "moved"),
	outside("somebody unmounts a volume", (scene) => unmountVolume(scene, "moved")),
	publish("four", "moved", {}, true),
	unpublish("four"),
	remove("moved"),
	unpublish("nothing"),
	mountInto("web", () => mount("/live/deep", "sized")),
	mountInto("worker", (scene) => bind("/bound", scene.at("source"), { readOnly: true })),
	unmountFrom("web", "/nothing"),
	unmountFrom("web", "/live/deep"),
	create("fleet", {}),
	outside("a process begins", async (scene) => scene.processes.length > 1 || (await scene.startProcess())),
	mountInto("short", () => mount("/fleet", "fleet")),
	outside("a process ends", async (scene) => scene.processes.length < 2 || (await scene.endProcess())),
	remove("fleet"),
	outside("a directory is there", (scene) => mkdirSync(scene.at("there"), { recursive: true })),
	create("lost", (scene) => ({ options: { ...BIND, device: scene.at("there") } })),
	attach("late", () => ({ activateLater: true, mounts: [mount("/lost", "lost")] })),
	outside("a directory goes", (scene) => rmSync(scene.at("there"), { recursive: true, force: true })),
	activate("late", "MOUNT_FAILED"),
	detach("late", false),
	unpublish("one"),
	unpublish("two"),
	unpublish("three"),
	unmountFrom("worker", "/bound"),
	detach("worker", false),
	detach("web", true),
	{
		name: "create without a name",
		act: ({ scene, options }, requestId) =>
			scene.daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ requestId }), options),
	},
	{
		name: "prune",
		act: ({ scene, options }, requestId) =>
			scene.daemon.volumes.pruneVolumes(PruneVolumesRequest.fromPartial({ requestId }), options),
	},
];

/** After it there is nothing. */
export const END: readonly Step[] = [
	remove("elm"),
	remove("sized"),
	remove("memory"),
	remove("bound"),
	remove("lost"),
	{
		name: "delete of the plugin",
		act: ({ scene, options }, requestId) => {
			const request = DeleteVolumeRequest.fromPartial({ requestId, name: `plugged-${scene.plugin}` });
			return scene.daemon.volumes.deleteVolume(request, options);
		},
	},
	{
		name: "prune all",
		drops: ["conf", "like"],
		act: ({ scene, options }, requestId) =>
			scene.daemon.volumes.pruneVolumes(PruneVolumesRequest.fromPartial({ requestId, all: true }), options),
	},
];
