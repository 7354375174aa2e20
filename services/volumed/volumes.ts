/**
 * Making, finding, changing and removing volumes.
 *
 * A removal is one durable write: the content is moved out of sight first, where a crash finds it again, and the row goes once the
 * disk has surely forgotten the name (`settleDisk`).
 */
import { Undo } from "#lib/concurrency/undo.ts";
import type { Statement } from "#lib/store/store.ts";
import { forgetEnded } from "./ended-live-mounts.ts";
import { volumeFact } from "./facts.ts";
import { volumeFaults } from "./faults.ts";
import type { Answer, Parts } from "./parts.ts";
import { Uses, usersText } from "./uses.ts";
import {
	type DescribedVolume,
	differenceOf,
	isPlain,
	type ListedVolume,
	newVolume,
	type Volume,
	type VolumeName,
	type VolumeSpec,
} from "./volume.ts";
import { refuseUnsettled } from "./volume-plan.ts";
import { type StoredVolume, type VolumeFilter, VolumeRecords } from "./volume-records.ts";

/** Long enough for many to come together, short enough for a power cut to find little undone. */
const SETTLE_MS = 250;

export interface LabelChange {
	readonly set: ReadonlyMap<string, string>;
	readonly remove: readonly string[];
}

export class Volumes {
	readonly #parts: Parts;
	readonly #records: VolumeRecords;
	readonly #uses: Uses;
	#isSettling = false;

	constructor(parts: Parts) {
		this.#parts = parts;
		this.#records = new VolumeRecords(parts.store);
		this.#uses = new Uses(parts.store);
	}

	/** One that is there and equal is the answer. Faults: as the contract says. */
	async create(spec: VolumeSpec, answer: Answer<ListedVolume>, signal: AbortSignal): Promise<ListedVolume> {
		const { drivers, turns, store, now } = this.#parts;
		const driver = drivers.get(spec.driver);
		const volume = newVolume(spec, await driver.plan(spec.options), now());
		return turns.take([volume.name], async () => {
			const existing = await this.findSettled(volume.name);
			if (existing !== undefined) return this.#existing(existing, spec, answer);
			const created = { ...volume, containerIds: [], publishedAt: [] };
			await using undo = new Undo({}, this.#parts.log);
			await this.intend([volume], [this.#records.insert(volume, "CREATING", true)], "volumed.volume.creating");
			undo.defer(() => this.takeBack(volume));
			await driver.create(volume, signal);
			await store.write(
				[this.#records.setState(volume.name, "ACTIVE"), volumeFact("ACTION_CREATED", volume), ...answer(created)],
				"volumed.volume.active",
			);
			undo.done();
			this.settleDiskLater();
			return created;
		});
	}

	/** What is about to be done to volumes: of plain directories a power cut may take it back, for then it takes what was done, too. */
	async intend(volumes: readonly Volume[], rows: readonly Statement[], label: string): Promise<void> {
		const { store } = this.#parts;
		await (volumes.every(isPlain) ? store.intend(rows, label) : store.write(rows, label));
	}

	/** As it is described where its driver has not to be asked. */
	plainly(volume: ListedVolume): DescribedVolume {
		return { ...volume, place: this.#parts.mounting.mountpoint(volume), status: new Map(), usage: undefined };
	}

	get(name: VolumeName): ListedVolume {
		const volume = this.#records.findListed(name);
		if (volume === undefined) throw volumeFaults.VOLUME_NOT_FOUND({ volume: name });
		return volume;
	}

	/** By name, beginning after `after`. */
	list(filter: VolumeFilter, after: string, limit: number): ListedVolume[] {
		return this.#records.list(filter, after, limit);
	}

	/** Faults: as the contract says. */
	update(name: VolumeName, { set, remove }: LabelChange, answer: Answer<ListedVolume>): Promise<ListedVolume> {
		return this.#parts.turns.take([name], async () => {
			const volume = this.get(name);
			const labels = new Map(volume.labels);
			for (const label of remove) labels.delete(label);
			for (const [label, value] of set) labels.set(label, value);
			const updated = { ...volume, labels };
			await this.#parts.store.write(
				[this.#records.setLabels(name, labels), volumeFact("ACTION_UPDATED", updated), ...answer(updated)],
				"volumed.volume.updated",
			);
			return updated;
		});
	}

	/** Faults: as the contract says. */
	rename(name: VolumeName, to: VolumeName, answer: Answer<ListedVolume>): Promise<ListedVolume> {
		const { turns, store, disk } = this.#parts;
		return turns.take([name, to], async () => {
			const volume = this.get(name);
			await this.#refuseUsed(volume);
			this.#parts.jobs.refuseBusy(name);
			const taken = await this.findSettled(to);
			if (taken !== undefined) throw volumeFaults.NAME_TAKEN({ volume: to }, { field: "new_name" });
			if (!this.#parts.drivers.get(volume.driver).canRename) {
				throw volumeFaults.CANNOT_RENAME({ volume: name, driver: volume.driver });
			}
			await store.write([this.#records.setNewName(name, to)], "volumed.volume.renaming");
			await using undo = new Undo({}, this.#parts.log);
			undo.defer(async () => {
				await disk.rename(to, name);
				await store.write([this.#records.setNewName(name, undefined)]);
			});
			await disk.rename(name, to);
			const renamed = { ...volume, name: to, anonymous: false };
			await store.write(
				[this.#records.renamed(name), volumeFact("ACTION_RENAMED", renamed, { oldName: name }), ...answer(renamed)],
				"volumed.volume.renamed",
			);
			undo.done();
			return renamed;
		});
	}

	/** Faults: as the contract says. */
	delete(name: VolumeName, answer: Answer<VolumeName>): Promise<VolumeName> {
		return this.#parts.turns.take([name], async () => {
			const volume = this.#records.find(name);
			if (volume === undefined || volume.gone) throw volumeFaults.VOLUME_NOT_FOUND({ volume: name });
			await this.#refuseUsed(volume);
			// One whose restore was cut off may go: what would end that may never come back.
			this.#parts.jobs.refuseRunning(name);
			await this.intend([volume], [this.#records.setState(name, "DELETING")], "volumed.volume.deleting");
			try {
				await this.finishDelete([volume], () => answer(name));
			} catch (error) {
				// Nothing of it went: its driver would not.
				if (await this.#isWhole(volume)) await this.#parts.store.write([this.#records.setState(name, volume.state)]);
				throw error;
			}
			return name;
		});
	}

	/** The second half of a removal: of volumes that are stored as DELETING and that nobody uses. */
	async finishDelete(volumes: readonly Volume[], answer: Answer<void> = () => []): Promise<void> {
		const { store, disk, drivers } = this.#parts;
		if (volumes.length === 0) return;
		for (const volume of volumes) await drivers.get(volume.driver).remove(volume);
		const rows = volumes.flatMap((volume) => [
			this.#records.setGone(volume.name),
			volumeFact("ACTION_DELETED", volume),
		]);
		await store.write([...rows, ...answer()], "volumed.volume.deleted");
		for (const { name } of volumes) await disk.bury(name);
		this.settleDiskLater();
	}

	/** Removals that stopped half way, as when a plugin is away, are gone on with. Gives the number of those that still cannot be ended. */
	async finishRemovals(): Promise<number> {
		let failures = 0;
		for (const name of this.#records.deleting()) {
			const ending = this.#parts.turns.take([name], async () => {
				const volume = this.#records.find(name);
				if (volume?.state === "DELETING" && !volume.gone) await this.finishDelete([volume]);
			});
			await ending.catch((error: unknown) => {
				failures += 1;
				this.#parts.log.warn("a volume's removal could not be ended", { name, err: error });
			});
		}
		return failures;
	}

	/** A volume that nobody was answered about: its content first. When that cannot go the row stays for reconcile. */
	async takeBack(volume: Volume): Promise<void> {
		await this.removeContent(volume);
		await this.#parts.store.write([this.#records.delete(volume.name)]);
	}

	/** Of a volume that nobody was answered about. */
	async removeContent(volume: Volume): Promise<void> {
		await this.#parts.drivers.get(volume.driver).remove(volume);
		await this.#parts.disk.bury(volume.name);
	}

	/**
	 * The disk is made to say for good what the store says already: directories that were made, and names that are gone, whose rows go
	 * then. Resolves when there are none of either.
	 */
	async settleDisk(): Promise<void> {
		const { disk, store } = this.#parts;
		const gone = this.#records.gone();
		const unsynced = this.#records.unsynced();
		if (gone.length + unsynced.length === 0) return;
		for (const name of gone) await disk.bury(name);
		await disk.persist(unsynced);
		await store.write([this.#records.forgetGone(gone), this.#records.setSynced(unsynced)], "volumed.volume.settled");
	}

	/** What is made and removed in a moment shares one sync. */
	settleDiskLater(): void {
		if (this.#isSettling) return;
		this.#isSettling = true;
		const settle = (): void => {
			this.#isSettling = false;
			this.settleDisk().catch((error: unknown) => {
				this.#parts.log.warn("the disk does not say yet what the store says of volumes", { err: error });
			});
		};
		setTimeout(settle, SETTLE_MS).unref();
	}

	/** Under its turn: not one whose removal only has to be forgotten, nor one whose making failed and could not be taken back then. */
	async findSettled(name: VolumeName): Promise<StoredVolume | undefined> {
		const found = this.#records.find(name);
		if (found?.state === "CREATING" && !this.#parts.jobs.isBusy(name)) {
			await this.takeBack(found);
			return undefined;
		}
		if (found?.gone !== true) return found;
		await this.settleDisk();
		return undefined;
	}

	async #refuseUsed({ name }: Volume): Promise<void> {
		await forgetEnded(this.#parts, name);
		const users = this.#uses.of(name);
		if (users.length > 0) throw volumeFaults.VOLUME_IN_USE({ volume: name, containers: usersText(users) });
	}

	/** Its content is where it was; of a plugin's, only that one knows. */
	async #isWhole(volume: Volume): Promise<boolean> {
		const isElsewhere = this.#parts.drivers.get(volume.driver).mountpoint(volume) === undefined;
		return isElsewhere || this.#parts.disk.hasData(volume.name);
	}

	async #existing(existing: StoredVolume, spec: VolumeSpec, answer: Answer<ListedVolume>): Promise<ListedVolume> {
		// Nobody is at its removal now, for the caller's turn has come: it failed half way. What makes it may go on without a turn.
		if (existing.state !== "ACTIVE") refuseUnsettled(this.#parts.jobs, existing);
		const difference = differenceOf(existing, spec);
		if (difference !== undefined) throw volumeFaults.VOLUME_EXISTS({ volume: existing.name, difference });
		const volume = this.get(existing.name);
		const statements = answer(volume);
		if (statements.length > 0) await this.#parts.store.write(statements);
		return volume;
	}
}
