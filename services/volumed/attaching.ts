/** Attaching: a container's mounts are judged, their volumes made and filled, and the attachment stored; on failure all of it is taken back. */
import { randomBytes } from "node:crypto";
import { Undo } from "#lib/concurrency/undo.ts";
import { Activation, placeOf } from "./activation.ts";
import {
	type Attachment,
	type AttachSpec,
	type BindSource,
	inMountOrder,
	type MountSpec,
	type ResolvedMount,
} from "./attachment.ts";
import { AttachmentRecords } from "./attachment-records.ts";
import { copyUp } from "./copy-up.ts";
import type { Found } from "./kernel/disk.ts";
import { attachmentFact } from "./facts.ts";
import { volumeFaults } from "./faults.ts";
import type { Answer, Parts } from "./parts.ts";
import { resolve } from "./resolve.ts";
import { type PlannedVolume, VolumePlan } from "./volume-plan.ts";
import { VolumeRecords } from "./volume-records.ts";
import type { Volumes } from "./volumes.ts";

/** A mount of the container's own, with what the image has there, or of another one's that it gets too. */
type Planned = { readonly destination: string } & (
	| { readonly spec: MountSpec; readonly volume: PlannedVolume | undefined; readonly found: Found }
	| { readonly mount: ResolvedMount }
);

export interface Wanted {
	readonly spec: AttachSpec;
	/** What was asked, in one form only. */
	readonly asked: string;
	readonly others: readonly ResolvedMount[];
}

export class Attaching {
	readonly #parts: Parts;
	readonly #volumes: Volumes;
	readonly #activation: Activation;
	readonly #records: AttachmentRecords;
	readonly #volumeRecords: VolumeRecords;

	constructor(parts: Parts, volumes: Volumes) {
		this.#parts = parts;
		this.#volumes = volumes;
		this.#activation = new Activation(parts);
		this.#records = new AttachmentRecords(parts.store);
		this.#volumeRecords = new VolumeRecords(parts.store);
	}

	/** Under the turns of the container and of all volumes that are named. Faults: as `Attach` says; then nothing was changed. */
	async attach(wanted: Wanted, answer: Answer<Attachment>, signal: AbortSignal): Promise<Attachment> {
		const volumes = new VolumePlan(this.#parts, this.#volumes);
		const plan = await this.#plan(wanted, volumes);
		return this.#carryOut(wanted, plan, volumes, answer, signal);
	}

	/** Everything that can be refused is refused here; nothing is changed. */
	async #plan({ spec, others }: Wanted, volumes: VolumePlan): Promise<Planned[]> {
		const plan: Planned[] = [];
		for (const mount of others) {
			const name = this.#volumeRecords.find(mount.volume)?.name;
			if (name !== undefined) await volumes.add({ name, driver: "", options: new Map(), labels: new Map() });
			plan.push({ mount, destination: mount.destination });
		}
		const inImage = await this.#look(spec);
		for (const own of spec.mounts) {
			const { source, destination } = own;
			if (source.kind === "bind") await this.#refuseBind(source);
			const found = inImage.get(destination) ?? "absent";
			if (found === "file") throw volumeFaults.DESTINATION_IS_FILE({ destination }, { field: "mounts" });
			const volume = source.kind === "volume" ? await volumes.add(source) : undefined;
			plan.push({ spec: own, volume, destination, found });
		}
		return inMountOrder(plan);
	}

	async #refuseBind({ path, create, propagation }: BindSource): Promise<void> {
		const isThere = await this.#parts.host.exists(path);
		if (!isThere && !create) throw volumeFaults.SOURCE_NOT_FOUND({ path }, { field: "mounts" });
		if (!(await this.#parts.views.canPropagate(path, propagation))) {
			throw volumeFaults.SOURCE_NOT_SHARED({ path, propagation }, { field: "mounts" });
		}
	}

	/** What the image has where volumes are to be, in one look. */
	async #look({ mounts, imageRoot }: AttachSpec): Promise<ReadonlyMap<string, Found>> {
		const paths = mounts.filter(({ source }) => source.kind === "volume").map(({ destination }) => destination);
		if (imageRoot === undefined || paths.length === 0) return new Map();
		const found = await this.#parts.disk.look(imageRoot, paths);
		return new Map(paths.map((path, index) => [path, found[index] ?? "absent"]));
	}

	async #carryOut(
		{ spec, asked }: Wanted,
		plan: readonly Planned[],
		volumes: VolumePlan,
		answer: Answer<Attachment>,
		signal: AbortSignal,
	): Promise<Attachment> {
		const { store, now } = this.#parts;
		await using undo = new Undo({}, this.#parts.log);
		await this.#makeSources(plan, undo);
		await volumes.make(undo, signal);
		if (spec.imageRoot !== undefined) await this.#copyUp(spec.imageRoot, plan, signal);
		await volumes.persist();

		const id = randomBytes(32).toString("hex");
		const { holder, containerId, containerName, cgroup = "" } = spec;
		const mounts = plan.map((planned, index) => this.#resolved(planned, placeOf(id, index)));
		const createdAt = new Date(now());
		const whole = { id, holder, containerId, containerName, mounts, createdAt, active: true, cgroup };
		const isWork = this.#activation.needsWork(whole);
		if (isWork && !spec.activateLater) {
			const active = await this.#activated(whole, asked, undo, signal);
			const rows = [
				...volumes.used(),
				this.#records.answered(id, active.mounts),
				attachmentFact("ACTION_ATTACHED", active),
			];
			await store.write([...rows, ...answer(active)], "volumed.attachment.ready");
			undo.done();
			return active;
		}
		const isLabelled = mounts.some(({ relabel }) => relabel !== undefined);
		if (isLabelled && !spec.activateLater) await this.#activation.make(whole, signal);
		const attachment = { ...whole, active: false };
		const rows = [
			...volumes.used(),
			...this.#records.insert(attachment, asked),
			attachmentFact("ACTION_ATTACHED", attachment),
		];
		await store.write([...rows, ...answer(attachment)], "volumed.attachment.created");
		undo.done();
		return attachment;
	}

	/** The row says that its volumes have to stay mounted; nobody was answered about it yet. */
	async #activated(whole: Attachment, asked: string, undo: Undo, signal: AbortSignal): Promise<Attachment> {
		const { store } = this.#parts;
		undo.defer(async () => {
			await this.#activation.takeBack(whole);
			await store.write([this.#records.delete(whole.id)]);
			await this.#activation.settle(whole.mounts);
		});
		await store.intend(this.#records.insertPending(whole, asked), "volumed.attachment.pending");
		return { ...whole, mounts: await this.#activation.make(whole, signal) };
	}

	async #makeSources(plan: readonly Planned[], undo: Undo): Promise<void> {
		const { host } = this.#parts;
		for (const planned of plan) {
			if (!("spec" in planned) || planned.spec.source.kind !== "bind" || !planned.spec.source.create) continue;
			const { path } = planned.spec.source;
			if (await host.exists(path)) continue;
			const made = await host.makeDirectory(path);
			undo.defer(() => host.unmake(made));
		}
	}

	async #copyUp(root: string, plan: readonly Planned[], signal: AbortSignal): Promise<void> {
		const filled = new Set<string>();
		for (const planned of plan) {
			if (!("spec" in planned) || planned.spec.source.kind !== "volume" || planned.volume === undefined) continue;
			const { source, destination } = planned.spec;
			const { volume, isPristine } = planned.volume;
			if (!isPristine || !source.copy || source.subpath !== "" || filled.has(volume.name)) continue;
			filled.add(volume.name);
			await copyUp(this.#parts, volume, { root, path: destination, found: planned.found }, signal);
		}
	}

	#resolved(planned: Planned, place: string): ResolvedMount {
		const { mounting, views } = this.#parts;
		const path = views.preparedPath(place);
		if ("mount" in planned)
			return planned.mount.view === undefined ? planned.mount : { ...planned.mount, source: path };
		const { spec, volume: found } = planned;
		return resolve(spec, mounting.originOf(spec.source, found?.volume), path);
	}
}
