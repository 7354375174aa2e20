/** The use cases on models, in a store of their own, for tests of what happens at once. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Turns } from "#lib/concurrency/turns.ts";
import { createLog } from "#lib/log/log.ts";
import { Store } from "#lib/store/store.ts";
import type { AttachSpec, MountSource, VolumeSource } from "../attachment.ts";
import { Attachments } from "../attachments.ts";
import { Drivers } from "../drivers/drivers.ts";
import { Jobs } from "../jobs.ts";
import { LiveMounts } from "../live-mounts.ts";
import { Mounting } from "../mounting.ts";
import type { Parts } from "../parts.ts";
import { Publications } from "../publications.ts";
import { MIGRATIONS } from "../schema.ts";
import { LOCAL, parseVolumeName } from "../volume.ts";
import { Volumes } from "../volumes.ts";
import { ModelDisk, ModelHost } from "./model-disk.ts";
import { ModelDriver } from "./model-driver.ts";
import { ModelViews } from "./model-views.ts";

export const nothing = (): [] => [];
export const party = (containerId: string) => ({ holder: "test", containerId });
const plain = { readOnly: false, relabel: undefined, owners: undefined, mode: "" } as const;

/** Of no name: a new one. */
export function volumeAt(name?: string, more: Partial<VolumeSource> = {}): MountSource {
	const named = name === undefined ? undefined : parseVolumeName(name);
	const none = { copy: true, driver: "", options: new Map(), labels: new Map(), subpath: "" };
	return { kind: "volume", name: named, ...none, ...more };
}

export class Scene implements AsyncDisposable {
	readonly disk: ModelDisk;
	readonly views = new ModelViews();
	readonly local: ModelDriver;
	readonly parts: Parts;
	readonly volumes: Volumes;
	readonly attachments: Attachments;
	readonly liveMounts: LiveMounts;
	readonly publications: Publications;
	readonly #folder: string;
	readonly #store: Store;
	readonly #signal = new AbortController().signal;

	private constructor(folder: string, store: Store) {
		this.#folder = folder;
		this.#store = store;
		const disk = new ModelDisk();
		this.disk = disk;
		this.local = new ModelDriver(LOCAL, disk);
		const drivers = new Drivers([this.local], (name) => new ModelDriver(name, disk));
		const kernel = { disk, host: new ModelHost(), views: this.views, drivers };
		const mounting = new Mounting(store, drivers);
		const log = createLog({ service: "test", level: "silent" });
		this.parts = { store, ...kernel, mounting, turns: new Turns(), jobs: new Jobs(), log, now: Date.now };
		this.volumes = new Volumes(this.parts);
		this.liveMounts = new LiveMounts(this.parts, this.volumes);
		this.publications = new Publications(this.parts);
		this.attachments = new Attachments(this.parts, this.volumes, this.liveMounts);
	}

	static async open(): Promise<Scene> {
		const folder = mkdtempSync(join(tmpdir(), "wharf-volumed-"));
		return new Scene(folder, await Store.open({ path: join(folder, "volumed.db"), migrations: MIGRATIONS }));
	}

	create(name?: string, options: ReadonlyMap<string, string> = new Map()) {
		const named = name === undefined ? undefined : parseVolumeName(name);
		return this.volumes.create({ name: named, driver: LOCAL, options, labels: new Map() }, nothing, this.#signal);
	}

	remove(name: string) {
		return this.volumes.delete(parseVolumeName(name), nothing);
	}

	attach(containerId: string, mounts: Readonly<Record<string, MountSource>>, more: Partial<AttachSpec> = {}) {
		const specs = Object.entries(mounts).map(([destination, source]) => ({ ...plain, destination, source }));
		const rest = { containerName: "web", mountsOf: [], imageRoot: undefined, activateLater: false };
		return this.attachments.attach({ ...party(containerId), mounts: specs, ...rest, ...more }, nothing, this.#signal);
	}

	detach(containerId: string, anonymous = false) {
		return this.attachments.detach(party(containerId), anonymous, nothing);
	}

	/** Into the process `pid` of the container, which is there from now on. */
	mountInto(containerId: string, pid: number, destination: string, source: MountSource) {
		this.views.processes.set(pid, String(pid));
		const mount = { ...plain, destination, source };
		const spec = { ...party(containerId), containerName: "web", pid, mount };
		return this.liveMounts.mountInto(spec, nothing, this.#signal);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.volumes.settleDisk();
		await this.#store.close();
		rmSync(this.#folder, { recursive: true });
	}
}
