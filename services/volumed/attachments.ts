/**
 * What containers mount: all of a container's mounts are resolved and held, or none.
 *
 * A volume is held by a row that refers to it; the store refuses to let it go meanwhile.
 */
import { Undo } from "#lib/concurrency/undo.ts";
import type { Statement } from "#lib/store/store.ts";
import { Activation } from "./activation.ts";
import {
	type ActivateSpec,
	type Attachment,
	type AttachSpec,
	canonicalText,
	containerKey,
	type MountSpec,
	type Party,
	refuseDuplicates,
	type ResolvedMount,
} from "./attachment.ts";
import { type AttachmentFilter, AttachmentRecords, type StoredAttachment } from "./attachment-records.ts";
import { Attaching } from "./attaching.ts";
import { attachmentFact } from "./facts.ts";
import { volumeFaults } from "./faults.ts";
import { inherited } from "./inherited-mounts.ts";
import type { LiveMounts } from "./live-mounts.ts";
import { type Answer, type Parts, told } from "./parts.ts";
import { VolumeRecords } from "./volume-records.ts";
import type { Volumes } from "./volumes.ts";

export interface Detached {
	readonly detached: boolean;
	readonly removedVolumes: readonly string[];
}

export class Attachments {
	readonly #parts: Parts;
	readonly #volumes: Volumes;
	readonly #liveMounts: LiveMounts;
	readonly #activation: Activation;
	readonly #attaching: Attaching;
	readonly #records: AttachmentRecords;
	readonly #volumeRecords: VolumeRecords;

	constructor(parts: Parts, volumes: Volumes, liveMounts: LiveMounts) {
		this.#parts = parts;
		this.#volumes = volumes;
		this.#liveMounts = liveMounts;
		this.#activation = new Activation(parts);
		this.#attaching = new Attaching(parts, volumes);
		this.#records = new AttachmentRecords(parts.store);
		this.#volumeRecords = new VolumeRecords(parts.store);
	}

	/** Faults: as the contract says; then nothing was changed. */
	attach(spec: AttachSpec, answer: Answer<Attachment>, signal: AbortSignal): Promise<Attachment> {
		const { turns } = this.#parts;
		// Those whose mounts it gets are not detached meanwhile, nor their volumes removed with them.
		const sources = spec.mountsOf.map(({ containerId }) => containerKey({ ...spec, containerId }));
		return turns.take([containerKey(spec), ...sources], async () => {
			const asked = canonicalText(spec);
			const existing = this.#records.find(spec.holder, spec.containerId);
			if (existing !== undefined) return this.#existing(existing, { asked, cgroup: spec.cgroup }, answer, signal);
			refuseDuplicates(spec.mounts);
			const others = inherited(spec, (containerId) => this.#get({ ...spec, containerId }));
			const names = namesOf(spec.mounts, others);
			return turns.take(names, () => this.#attaching.attach({ spec, asked, others }, answer, signal));
		});
	}

	/** Faults: as the contract says; then it is as it was. */
	activate(spec: ActivateSpec, answer: Answer<Attachment>, signal: AbortSignal): Promise<Attachment> {
		return this.#parts.turns.take([containerKey(spec)], () =>
			this.#activated(this.#get(spec), spec.cgroup, answer, signal),
		);
	}

	/** Gives false when it was not active. */
	deactivate(party: Party, answer: Answer<boolean>): Promise<boolean> {
		const { turns, store } = this.#parts;
		return turns.take([containerKey(party)], async () => {
			await this.#liveMounts.removeAll(party);
			const attachment = this.#records.find(party.holder, party.containerId);
			const isWork = attachment?.active === true && this.#activation.needsWork(attachment);
			if (attachment === undefined || !isWork) return told(store, false, answer);
			await this.#activation.takeBack(attachment);
			const rows = [this.#records.setActive(attachment.id, false), ...answer(true)];
			await store.intend(rows, "volumed.attachment.deactivated");
			await this.#activation.settle(attachment.mounts);
			return true;
		});
	}

	/** Not attached is success. */
	detach(party: Party, removeAnonymous: boolean, answer: Answer<Detached>): Promise<Detached> {
		const { turns, store } = this.#parts;
		return turns.take([containerKey(party)], async () => {
			await this.#liveMounts.removeAll(party);
			const attachment = this.#records.find(party.holder, party.containerId);
			if (attachment === undefined) return told(store, { detached: false, removedVolumes: [] }, answer);
			const names = removeAnonymous ? this.#anonymousOf(attachment) : [];
			return turns.take(names, () => this.#release(attachment, names, answer));
		});
	}

	/** Oldest first, those after row `after`. */
	list(filter: AttachmentFilter, after: number, limit: number): StoredAttachment[] {
		return this.#records.list(filter, after, limit);
	}

	#get({ holder, containerId }: Party): StoredAttachment {
		const found = this.#records.find(holder, containerId);
		if (found === undefined) throw volumeFaults.ATTACHMENT_NOT_FOUND({ container: containerId.slice(0, 12), holder });
		return found;
	}

	async #existing(
		existing: StoredAttachment,
		{ asked, cgroup }: Pick<StoredAttachment, "asked"> & Pick<AttachSpec, "cgroup">,
		answer: Answer<Attachment>,
		signal: AbortSignal,
	): Promise<Attachment> {
		if (existing.asked !== asked) {
			const container = existing.containerName || existing.containerId.slice(0, 12);
			throw volumeFaults.ALREADY_ATTACHED({ container, holder: existing.holder });
		}
		if (existing.active) return this.#activated(existing, cgroup, answer, signal);
		const rows = this.#moving(existing, cgroup);
		return told(this.#parts.store, { ...existing, cgroup: cgroup ?? existing.cgroup }, (now) => [
			...rows,
			...answer(now),
		]);
	}

	/** Where its processes will be from now on. */
	#moving({ id, cgroup: before }: Attachment, cgroup: string | undefined): Statement[] {
		return cgroup === undefined || cgroup === before ? [] : [this.#records.setCgroup(id, cgroup)];
	}

	async #activated(
		stored: StoredAttachment,
		cgroup: string | undefined,
		answer: Answer<Attachment>,
		signal: AbortSignal,
	): Promise<Attachment> {
		const { store } = this.#parts;
		const { id } = stored;
		const isWork = this.#activation.needsWork(stored);
		await this.#activation.refuseUnusable(stored);
		await using undo = new Undo({}, this.#parts.log);
		if (isWork && !stored.active) {
			undo.defer(async () => {
				await this.#activation.takeBack(stored);
				await store.intend([this.#records.setActive(id, false)], "volumed.attachment.activation-undone");
				await this.#activation.settle(stored.mounts);
			});
			await store.intend([this.#records.setActive(id, true)], "volumed.attachment.activating");
		}
		const mounts = await this.#activation.make(stored, signal);
		const active = { ...stored, active: isWork, mounts, cgroup: cgroup ?? stored.cgroup };
		const moved = mounts.some((mount, index) => mount !== stored.mounts[index]);
		const changes = [...this.#moving(stored, cgroup), ...(moved ? [this.#records.setMounts(id, mounts)] : [])];
		const rows = [...changes, ...answer(active)];
		if (rows.length > 0) await store.intend(rows, "volumed.attachment.activated");
		undo.done();
		return active;
	}

	/** Under the turns of its container and of the volumes that may go with it. */
	async #release(attachment: StoredAttachment, names: readonly string[], answer: Answer<Detached>): Promise<Detached> {
		const { store, jobs } = this.#parts;
		const going = names.filter((name) => this.#isUsedOnlyBy(name, attachment) && !jobs.isBusy(name));
		const volumes = going.map((name) => this.#volumeRecords.find(name)).filter((found) => found !== undefined);
		const result = { detached: true, removedVolumes: going };
		await this.#activation.takeBack(attachment);
		const release = [this.#records.delete(attachment.id), attachmentFact("ACTION_DETACHED", attachment)];
		if (volumes.length === 0) {
			await store.write([...release, ...answer(result)], "volumed.attachment.deleted");
			await this.#activation.settle(attachment.mounts);
			return result;
		}
		const deleting = going.map((name) => this.#volumeRecords.setState(name, "DELETING"));
		await store.write([...release, ...deleting], "volumed.attachment.detaching");
		await this.#activation.settle(attachment.mounts);
		await this.#volumes.finishDelete(volumes, () => answer(result));
		return result;
	}

	#anonymousOf({ mounts }: Attachment): string[] {
		const names = new Set(mounts.map(({ volume }) => volume).filter((name) => name !== ""));
		return [...names].filter((name) => this.#volumeRecords.find(name)?.anonymous === true);
	}

	#isUsedOnlyBy(name: string, { row }: StoredAttachment): boolean {
		const others = `SELECT 1 FROM attachment_volume WHERE volume = ?1 AND attachment <> ?2
			UNION ALL SELECT 1 FROM publication WHERE volume = ?1 UNION ALL SELECT 1 FROM live_mount WHERE volume = ?1 LIMIT 1`;
		return this.#parts.store.get(others, name, row) === undefined;
	}
}

/** Of volumes that are named, each once. */
function namesOf(own: readonly MountSpec[], others: readonly ResolvedMount[]): string[] {
	const named = own.map(({ source }) => (source.kind === "volume" ? source.name : undefined));
	return [...new Set([...named, ...others.map(({ volume }) => volume)])].filter(
		(name) => name !== undefined && name !== "",
	) as string[];
}
