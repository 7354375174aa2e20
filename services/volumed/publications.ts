/** Volumes at paths of this host: shown there, mended there, and taken away again. */
import { Undo } from "#lib/concurrency/undo.ts";
import { volumeFact } from "./facts.ts";
import { volumeFaults } from "./faults.ts";
import type { Published, View } from "./kernel/views.ts";
import { type Answer, type Parts, told } from "./parts.ts";
import { type Publication, publishedView, type PublicationSpec } from "./publication.ts";
import { PublicationRecords, type StoredPublication } from "./publication-records.ts";
import type { Volume } from "./volume.ts";
import { refuseUnusable } from "./volume-plan.ts";
import { VolumeRecords } from "./volume-records.ts";

export class Publications {
	readonly #parts: Parts;
	readonly #records: PublicationRecords;
	readonly #volumes: VolumeRecords;

	constructor(parts: Parts) {
		this.#parts = parts;
		this.#records = new PublicationRecords(parts.store);
		this.#volumes = new VolumeRecords(parts.store);
	}

	/** What is there just so is the answer. Faults: as the contract says; then nothing was changed. */
	publish(spec: PublicationSpec, answer: Answer<Publication>, signal: AbortSignal): Promise<Publication> {
		const { turns, store, mounting, views, disk, now } = this.#parts;
		return turns.take([spec.path, spec.volume], async () => {
			const existing = this.#records.find(spec.path);
			if (existing !== undefined) return this.#existing(existing, spec, answer, signal);
			const volume = await this.#usable(spec.volume);
			const publication = { ...spec, createdAt: new Date(now()) };
			await using undo = new Undo({}, this.#parts.log);
			if (!volume.synced) await disk.persist([volume.name]);
			// Durable: its place is on any disk, and a power cut that takes the row from this one need not take the directory from that.
			await store.write([this.#records.insert(publication)], "volumed.publication.creating");
			let shown: (Published & { readonly view: View }) | undefined;
			undo.defer(async () => {
				if (shown !== undefined) await views.unpublish(spec.path, shown.view, shown.made, shown.mark);
				await store.write([this.#records.delete(spec.path)]);
				await mounting.settle(volume);
			});
			await using hold = await mounting.hold(volume, signal);
			const view = publishedView(spec, hold.path);
			const published = await views.publish(spec.path, view);
			shown = { view, ...published };
			const rows = [
				this.#records.activate(spec.path, published),
				...(volume.pristine ? [this.#volumes.touched(volume.name)] : []),
				...(volume.synced ? [] : [this.#volumes.setSynced([volume.name])]),
				volumeFact("ACTION_PUBLISHED", volume, { path: spec.path }),
			];
			await store.write([...rows, ...answer(publication)], "volumed.publication.active");
			undo.done();
			return publication;
		});
	}

	/** Gives false when nothing was there. */
	unpublish(path: string, answer: Answer<boolean>): Promise<boolean> {
		const { turns, store } = this.#parts;
		return turns.take([path], async () => {
			const publication = this.#records.find(path);
			if (publication === undefined) return told(store, false, answer);
			await store.intend([this.#records.setDeleting(path)], "volumed.publication.deleting");
			await this.#takeAway(publication, answer);
			return true;
		});
	}

	/** Of one volume, unless it is empty; by path, after `after`. */
	list(volume: string, after: string, limit: number): Publication[] {
		return this.#records.list(volume, after, limit);
	}

	paths(): string[] {
		return this.#records.all().map(({ path }) => path);
	}

	/** What the store says is made true at the path. */
	mend(path: string, signal: AbortSignal): Promise<void> {
		return this.#parts.turns.take([path], () => this.#mendOne(path, signal));
	}

	async #mendOne(path: string, signal: AbortSignal): Promise<void> {
		const { store, mounting, views } = this.#parts;
		const publication = this.#records.find(path);
		if (publication === undefined) return;
		// Nobody was answered about one that was being made.
		if (publication.state !== "ACTIVE") return this.#takeAway(publication, () => []);
		const volume = this.#volumes.find(publication.volume);
		if (volume === undefined) return;
		await using hold = await mounting.hold(volume, signal);
		const view = publishedView(publication, hold.path);
		// What was mounted there may show what the volume was before it was mounted anew.
		const mark = (await views.findPublished(path, view)) ?? (await views.publish(path, view, publication.mark)).mark;
		if (mark !== publication.mark) await store.write([this.#records.setMark(path, mark)], "volumed.publication.mended");
	}

	async #takeAway(publication: StoredPublication, answer: Answer<boolean>): Promise<void> {
		const { store, mounting, views } = this.#parts;
		const { path, made, mark, state } = publication;
		const volume = this.#volumes.find(publication.volume);
		if (volume === undefined) throw new Error(`the volume ${publication.volume} of a publication is not stored`);
		const view = publishedView(publication, mounting.mountpoint(volume));
		await views.unpublish(path, view, made || state === "CREATING", mark);
		const rows = [this.#records.delete(path), volumeFact("ACTION_UNPUBLISHED", volume, { path })];
		await store.write([...rows, ...answer(true)], "volumed.publication.deleted");
		await mounting.settle(volume);
	}

	async #existing(
		existing: StoredPublication,
		spec: PublicationSpec,
		answer: Answer<Publication>,
		signal: AbortSignal,
	): Promise<Publication> {
		const { path, volume, subpath, readOnly } = existing;
		const isSame = volume === spec.volume && subpath === spec.subpath && readOnly === spec.readOnly;
		if (!isSame || existing.state !== "ACTIVE") throw volumeFaults.ALREADY_PUBLISHED({ path, volume });
		await this.#mendOne(path, signal);
		return told(this.#parts.store, existing, answer);
	}

	async #usable(name: Volume["name"]) {
		const volume = this.#volumes.find(name);
		if (volume === undefined || volume.gone) throw volumeFaults.VOLUME_NOT_FOUND({ volume: name });
		await refuseUnusable(this.#parts, volume);
		return volume;
	}
}
