/** The use cases on models, in a store of their own, and what a test asks and sees of them in few words. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Turns } from "#lib/concurrency/turns.ts";
import { createLog } from "#lib/log/log.ts";
import { Store } from "#lib/store/store.ts";
import type { AttachSpec, MountSource, VolumeSource } from "../attachment.ts";
import { Attachments } from "../attachments.ts";
import { CutOffRestores } from "../cut-off-restores.ts";
import { Drivers } from "../drivers/drivers.ts";
import { Jobs } from "../jobs.ts";
import { LiveMounts } from "../live-mounts.ts";
import { mendMounts } from "../mend-mounts.ts";
import { Mounting } from "../mounting.ts";
import type { Parts } from "../parts.ts";
import { Pauses } from "../pauses.ts";
import type { PublicationSpec } from "../publication.ts";
import { Publications } from "../publications.ts";
import { reconcile } from "../reconcile.ts";
import { MIGRATIONS } from "../schema.ts";
import { LOCAL, parseVolumeName, type VolumeSpec } from "../volume.ts";
import { EVERY_VOLUME, type VolumeFilter } from "../volume-records.ts";
import { Volumes } from "../volumes.ts";
import { ModelDisk, ModelHost } from "./model-disk.ts";
import { ModelDriver } from "./model-driver.ts";
import { ModelFreezer } from "./model-freezer.ts";
import { ModelViews } from "./model-views.ts";

export const nothing = (): [] => [];
const party = (containerId: string) => ({ holder: "test", containerId });
/** Options of a volume that has to be mounted. */
export const mounted = new Map([["type", "tmpfs"]]);
const plain = { readOnly: false, relabel: undefined, owners: undefined, mode: "" } as const;

/** Of no name: a new one. */
export function volumeAt(name?: string, more: Partial<VolumeSource> = {}): MountSource {
	const named = name === undefined ? undefined : parseVolumeName(name);
	const none = { copy: true, driver: "", options: new Map(), labels: new Map(), subpath: "" };
	return { kind: "volume", name: named, ...none, ...more };
}

/** With `create`, the directory is made when it is missing. */
export function bindAt(path: string, create = false): MountSource {
	return { kind: "bind", path, create, propagation: "rprivate", recursion: "enabled" };
}

export class Scene implements AsyncDisposable {
	readonly store: Store;
	readonly disk = new ModelDisk();
	readonly host = new ModelHost();
	readonly views = new ModelViews();
	readonly freezer = new ModelFreezer();
	readonly local = new ModelDriver(LOCAL, this.disk);
	readonly parts: Parts;
	readonly volumes: Volumes;
	readonly attachments: Attachments;
	readonly liveMounts: LiveMounts;
	readonly publications: Publications;
	readonly pauses: Pauses;
	readonly cutOff: CutOffRestores;
	/** Of a caller that waits for the answer. */
	readonly signal = new AbortController().signal;
	readonly #folder: string;

	private constructor(folder: string, store: Store) {
		this.#folder = folder;
		this.store = store;
		const { disk, host, views, freezer } = this;
		const drivers = new Drivers([this.local], (name) => new ModelDriver(name, disk));
		const mounting = new Mounting(store, drivers);
		const log = createLog({ service: "test", level: "silent" });
		const rest = { turns: new Turns(), jobs: new Jobs(), log, now: () => 1_700_000_000_000 };
		this.parts = { store, disk, host, views, freezer, drivers, mounting, ...rest };
		this.volumes = new Volumes(this.parts);
		this.liveMounts = new LiveMounts(this.parts, this.volumes);
		this.publications = new Publications(this.parts);
		this.pauses = new Pauses(this.parts);
		this.cutOff = new CutOffRestores(this.parts);
		this.attachments = new Attachments(this.parts, this.volumes, this.liveMounts);
	}

	static async open(): Promise<Scene> {
		const folder = mkdtempSync(join(tmpdir(), "wharf-volumed-"));
		return new Scene(folder, await Store.open({ path: join(folder, "volumed.db"), migrations: MIGRATIONS }));
	}

	/** Of no name: one is made up. */
	create(name?: string, more: Partial<VolumeSpec> = {}) {
		const named = name === undefined ? undefined : parseVolumeName(name);
		const spec = { name: named, driver: LOCAL, options: new Map(), labels: new Map(), ...more };
		return this.volumes.create(spec, nothing, this.signal);
	}

	get(name: string) {
		return this.volumes.get(parseVolumeName(name));
	}

	remove(name: string) {
		return this.volumes.delete(parseVolumeName(name), nothing);
	}

	attach(containerId: string, mounts: Readonly<Record<string, MountSource>>, more: Partial<AttachSpec> = {}) {
		const specs = Object.entries(mounts).map(([destination, source]) => ({ ...plain, destination, source }));
		const rest = {
			containerName: "web",
			mountsOf: [],
			imageRoot: undefined,
			activateLater: false,
			cgroup: undefined,
		};
		return this.attachments.attach({ ...party(containerId), mounts: specs, ...rest, ...more }, nothing, this.signal);
	}

	detach(containerId: string, anonymous = false) {
		return this.attachments.detach(party(containerId), anonymous, nothing);
	}

	activate(containerId: string, cgroup?: string) {
		return this.attachments.activate({ ...party(containerId), cgroup }, nothing, this.signal);
	}

	deactivate(containerId: string) {
		return this.attachments.deactivate(party(containerId), nothing);
	}

	/** Into the process `pid` of the container, which is there when `views.processes` has it. */
	mountInto(containerId: string, pid: number, destination: string, source: MountSource) {
		const mount = { ...plain, destination, source };
		const spec = { ...party(containerId), containerName: "web", pid, mount };
		return this.liveMounts.mountInto(spec, nothing, this.signal);
	}

	unmountFrom(containerId: string, destination: string) {
		return this.liveMounts.unmountFrom(party(containerId), destination, nothing);
	}

	publish(path: string, volume: string, more: Partial<PublicationSpec> = {}) {
		const spec = { holder: "test", volume: parseVolumeName(volume), path, subpath: "", readOnly: false, ...more };
		return this.publications.publish(spec, nothing, this.signal);
	}

	unpublish(path: string) {
		return this.publications.unpublish(path, nothing);
	}

	/** The containers that may write to these volumes. */
	pause(names: readonly string[], signal = this.signal) {
		return this.pauses.pause(names.map(parseVolumeName), signal);
	}

	/** As a start does. Gives the number of mounts that could not be mended. */
	async mend(): Promise<number> {
		await reconcile(this.parts, this);
		return (await this.cutOff.mend(this.signal)) + (await mendMounts(this.parts, this, this.signal));
	}

	list(filter: Partial<VolumeFilter> = {}, after = "", limit = 100): string[] {
		return this.volumes.list({ ...EVERY_VOLUME, ...filter }, after, limit).map(({ name }) => name);
	}

	/** Of the volumes that the store has. */
	get names(): string[] {
		return this.list();
	}

	/** Names of the volumes that the disk has. */
	async onDisk(): Promise<string[]> {
		return (await this.disk.observe()).map(({ name }) => name);
	}

	/** What was told to others, in its order: `volume.created`. */
	get facts(): string[] {
		return this.store.outbox.after(0, 100).map(({ subject }) => subject.replace("wharf.v1.", ""));
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.volumes.settleDisk();
		await this.store.close();
		rmSync(this.#folder, { recursive: true });
	}
}
