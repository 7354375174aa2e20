/**
 * What containers mount: all of a container's mounts are resolved and held, or none.
 *
 * A volume is held by a row that refers to it; the store refuses to let it go meanwhile.
 */
import { randomBytes } from "node:crypto";
import type { Statement } from "#lib/store/store.ts";
import {
	type Attachment,
	type AttachSpec,
	canonicalText,
	inMountOrder,
	type MountSpec,
	type ResolvedMount,
	resolve,
} from "./attachment.ts";
import { type AttachmentFilter, AttachmentRecords, type StoredAttachment } from "./attachment-records.ts";
import { attachmentFact, volumeFact } from "./facts.ts";
import { volumeFaults } from "./faults.ts";
import type { Host } from "./kernel/disk.ts";
import { LOCAL, type Volume, type VolumeName } from "./volume.ts";
import { type StoredVolume, VolumeRecords } from "./volume-records.ts";
import { type Answer, newVolume, type Parts, type Volumes } from "./volumes.ts";

export interface Detached {
	readonly detached: boolean;
	readonly removedVolumes: readonly string[];
}

interface Party {
	readonly holder: string;
	readonly containerId: string;
}

/** A mount and, when it is one of a volume, the volume. */
interface Planned {
	readonly spec: MountSpec;
	readonly volume: Volume | undefined;
	readonly isNew: boolean;
	readonly isPristine: boolean;
}

export class Attachments {
	readonly #parts: Parts;
	readonly #host: Host;
	readonly #volumes: Volumes;
	readonly #records: AttachmentRecords;
	readonly #volumeRecords: VolumeRecords;

	constructor(parts: Parts, host: Host, volumes: Volumes) {
		this.#parts = parts;
		this.#host = host;
		this.#volumes = volumes;
		this.#records = new AttachmentRecords(parts.store);
		this.#volumeRecords = new VolumeRecords(parts.store);
	}

	/** Faults: as the contract says; then nothing was changed. */
	attach(spec: AttachSpec, answer: Answer<Attachment>, signal: AbortSignal): Promise<Attachment> {
		const mounts = inMountOrder(spec.mounts);
		const names = mounts.map(({ source }) => (source.kind === "volume" ? source.name : undefined));
		return this.#parts.turns.take([containerKey(spec), ...names.filter((name) => name !== undefined)], async () => {
			const asked = canonicalText(spec);
			const existing = this.#records.find(spec.holder, spec.containerId);
			if (existing !== undefined) return this.#existing(existing, asked, answer);
			const plan = await this.#plan(mounts);
			return this.#carryOut(spec, plan, asked, answer, signal);
		});
	}

	/** Not attached is success. */
	detach(party: Party, removeAnonymous: boolean, answer: Answer<Detached>): Promise<Detached> {
		const { turns, store } = this.#parts;
		return turns.take([containerKey(party)], async () => {
			const attachment = this.#records.find(party.holder, party.containerId);
			if (attachment === undefined) {
				const nothing = { detached: false, removedVolumes: [] };
				const statements = answer(nothing);
				if (statements.length > 0) await store.write(statements);
				return nothing;
			}
			const names = removeAnonymous ? this.#anonymousOf(attachment) : [];
			return turns.take(names, async () => {
				const going = names.filter((name) => this.#isUsedOnlyBy(name, attachment) && !this.#parts.jobs.isBusy(name));
				const volumes = going.map((name) => this.#volumeRecords.find(name)).filter((found) => found !== undefined);
				const result = { detached: true, removedVolumes: going };
				const fact = attachmentFact("ACTION_DETACHED", attachment);
				const release = [this.#records.delete(attachment.id), fact];
				if (volumes.length === 0) {
					await store.write([...release, ...answer(result)], "volumed.attachment.deleted");
					return result;
				}
				const deleting = going.map((name) => this.#volumeRecords.setState(name, "DELETING"));
				await store.write([...release, ...deleting], "volumed.attachment.detaching");
				await this.#volumes.finishDelete(volumes, answer(result));
				return result;
			});
		});
	}

	/** Oldest first, those after row `after`. */
	list(filter: AttachmentFilter, after: number, limit: number): StoredAttachment[] {
		return this.#records.list(filter, after, limit);
	}

	async #existing(existing: StoredAttachment, asked: string, answer: Answer<Attachment>): Promise<Attachment> {
		if (existing.asked !== asked) {
			const container = existing.containerName || existing.containerId.slice(0, 12);
			throw volumeFaults.ALREADY_ATTACHED({ container, holder: existing.holder });
		}
		const statements = answer(existing);
		if (statements.length > 0) await this.#parts.store.write(statements);
		return existing;
	}

	/** Everything that can be refused is refused here; nothing is changed. */
	async #plan(mounts: readonly MountSpec[]): Promise<Planned[]> {
		const plan: Planned[] = [];
		const fresh = new Map<VolumeName, Volume>();
		for (const spec of mounts) {
			const { source } = spec;
			if (source.kind === "volume") {
				const existing = source.name && (fresh.get(source.name) ?? (await this.#usable(source.name)));
				const isNew = existing === undefined;
				const volume = existing ?? this.#newVolume(source.name);
				fresh.set(volume.name, volume);
				const isPristine = isNew || ("pristine" in volume && volume.pristine === true);
				plan.push({ spec, volume, isNew, isPristine });
				continue;
			}
			if (source.kind === "bind" && !source.create && !(await this.#host.exists(source.path))) {
				throw volumeFaults.SOURCE_NOT_FOUND({ path: source.path }, { field: "mounts" });
			}
			plan.push({ spec, volume: undefined, isNew: false, isPristine: false });
		}
		return plan;
	}

	/** The volume, when it is there and can be mounted. */
	async #usable(name: VolumeName): Promise<StoredVolume | undefined> {
		const { jobs, disk } = this.#parts;
		const volume = this.#volumeRecords.find(name);
		if (volume === undefined) return undefined;
		if (volume.state !== "ACTIVE") throw volumeFaults.VOLUME_BUSY({ volume: name, job: "removal" });
		jobs.refuseBusy(name, "restore");
		if (!(await disk.hasData(name))) {
			throw volumeFaults.VOLUME_DATA_MISSING({ volume: name, path: disk.mountpoint(name) });
		}
		return volume;
	}

	#newVolume(name: VolumeName | undefined): Volume {
		return newVolume({ name, driver: LOCAL, options: new Map(), labels: new Map() }, this.#parts.now());
	}

	async #carryOut(
		spec: AttachSpec,
		plan: readonly Planned[],
		asked: string,
		answer: Answer<Attachment>,
		signal: AbortSignal,
	): Promise<Attachment> {
		const { store, disk, now } = this.#parts;
		await using undo = new AsyncDisposableStack();
		for (const { spec: mount } of plan) {
			if (mount.source.kind !== "bind" || !mount.source.create) continue;
			if (await this.#host.exists(mount.source.path)) continue;
			const made = await this.#host.makeDirectory(mount.source.path);
			undo.defer(() => this.#host.unmake(made));
		}
		const made = plan.filter(({ isNew }) => isNew).flatMap(({ volume }) => volume ?? []);
		if (made.length > 0) {
			const rows = made.map((volume) => this.#volumeRecords.insert(volume, "CREATING", true));
			await store.write(rows, "volumed.attachment.creating");
			undo.defer(() => store.write(made.map(({ name }) => this.#volumeRecords.delete(name))));
			for (const { name } of made) {
				undo.defer(() => disk.remove(name));
				await disk.ensure(name);
			}
		}
		if (spec.imageRoot !== undefined) await this.#copyUp(spec.imageRoot, plan, signal);

		const attachment: Attachment = {
			id: randomBytes(32).toString("hex"),
			holder: spec.holder,
			containerId: spec.containerId,
			containerName: spec.containerName,
			mounts: plan.map((planned) => this.#resolved(planned)),
			createdAt: new Date(now()),
		};
		const pristine = new Set(plan.filter(({ isPristine }) => isPristine).map(({ volume }) => volume?.name ?? ""));
		const statements: Statement[] = [
			...made.flatMap((volume) => [
				this.#volumeRecords.setState(volume.name, "ACTIVE"),
				volumeFact("ACTION_CREATED", volume),
			]),
			...[...pristine].map((name) => this.#volumeRecords.touched(name)),
			...this.#records.insert(attachment, asked),
			attachmentFact("ACTION_ATTACHED", attachment),
		];
		await store.write([...statements, ...answer(attachment)], "volumed.attachment.created");
		undo.move();
		return attachment;
	}

	/**
	 * A volume that nothing was ever put into gets what the image has at its destination, once. One that was there before stays
	 * filled when a later step fails: it is as its first container would have found it.
	 */
	async #copyUp(root: string, plan: readonly Planned[], signal: AbortSignal): Promise<void> {
		const { disk } = this.#parts;
		const filled = new Set<string>();
		for (const { spec, volume, isPristine } of plan) {
			if (volume === undefined || !isPristine || filled.has(volume.name)) continue;
			if (spec.source.kind !== "volume" || !spec.source.copy) continue;
			filled.add(volume.name);
			if (!(await disk.isEmpty(volume.name))) continue;
			const id = randomBytes(16).toString("hex");
			await using stage = new AsyncDisposableStack();
			stage.defer(() => disk.discard(volume.name, id));
			await disk.stage(volume.name, id);
			if (!(await disk.fill(volume.name, id, { root, path: spec.destination }, signal))) continue;
			await disk.commit(volume.name, id);
		}
	}

	#resolved({ spec, volume }: Planned): ResolvedMount {
		if (volume !== undefined) return resolve(spec, this.#parts.disk.mountpoint(volume.name), volume.name);
		return resolve(spec, spec.source.kind === "bind" ? spec.source.path : "tmpfs", "");
	}

	#anonymousOf({ mounts }: Attachment): string[] {
		const names = new Set(mounts.map(({ volume }) => volume).filter((name) => name !== ""));
		return [...names].filter((name) => this.#volumeRecords.find(name)?.anonymous === true);
	}

	#isUsedOnlyBy(name: string, { row }: StoredAttachment): boolean {
		const others = "SELECT 1 FROM attachment_volume WHERE volume = ? AND attachment <> ? LIMIT 1";
		return this.#parts.store.get(others, name, row) === undefined;
	}
}

/** No volume has a slash in its name. */
function containerKey({ holder, containerId }: Party): string {
	return `${holder}/${containerId}`;
}
