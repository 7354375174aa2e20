/** Making, finding and removing volumes. */
import { randomBytes } from "node:crypto";
import type { Statement, Store } from "#lib/store/store.ts";
import { volumeFact } from "./facts.ts";
import { volumeFaults } from "./faults.ts";
import type { Jobs } from "./jobs.ts";
import type { Disk } from "./kernel/disk.ts";
import type { Turns } from "#lib/concurrency/turns.ts";
import {
	checkDriver,
	differenceOf,
	type ListedVolume,
	type Volume,
	type VolumeName,
	type VolumeSpec,
} from "./volume.ts";
import { type StoredVolume, usersText, type VolumeFilter, VolumeRecords } from "./volume-records.ts";

/** What all use cases work on. */
export interface Parts {
	readonly store: Store;
	readonly disk: Disk;
	readonly turns: Turns;
	readonly jobs: Jobs;
	readonly now: () => number;
}

export type Answer<T> = (result: T) => Statement[];

export class Volumes {
	readonly #parts: Parts;
	readonly #records: VolumeRecords;

	constructor(parts: Parts) {
		this.#parts = parts;
		this.#records = new VolumeRecords(parts.store);
	}

	/** One that is there and equal is the answer. Faults: as the contract says. */
	create(spec: VolumeSpec, answer: Answer<ListedVolume>): Promise<ListedVolume> {
		const { store, disk, turns, now } = this.#parts;
		checkDriver(spec.driver, spec.options);
		const volume = newVolume(spec, now());
		return turns.take([volume.name], async () => {
			const existing = this.#records.find(volume.name);
			if (existing !== undefined) return this.#existing(existing, spec, answer);
			const created = { ...volume, containerIds: [] };
			await using undo = new AsyncDisposableStack();
			await store.write([this.#records.insert(volume, "CREATING", true)], "volumed.volume.creating");
			undo.defer(() => store.write([this.#records.delete(volume.name)]));
			undo.defer(() => disk.remove(volume.name));
			await disk.ensure(volume.name);
			await store.write(
				[this.#records.setState(volume.name, "ACTIVE"), volumeFact("ACTION_CREATED", volume), ...answer(created)],
				"volumed.volume.active",
			);
			undo.move();
			return created;
		});
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

	delete(name: VolumeName, answer: Answer<VolumeName>): Promise<VolumeName> {
		return this.#parts.turns.take([name], async () => {
			const volume = this.#records.find(name);
			if (volume === undefined) throw volumeFaults.VOLUME_NOT_FOUND({ volume: name });
			const users = this.#records.usersOf(name);
			if (users.length > 0) throw volumeFaults.VOLUME_IN_USE({ volume: name, containers: usersText(users) });
			this.#parts.jobs.refuseBusy(name);
			await this.#parts.store.write([this.#records.setState(name, "DELETING")], "volumed.volume.deleting");
			await this.finishDelete([volume], answer(name));
			return name;
		});
	}

	/** The second half of a deletion: of volumes that are stored as DELETING and that nobody uses. */
	async finishDelete(volumes: readonly Volume[], more: readonly Statement[] = []): Promise<void> {
		const { store, disk } = this.#parts;
		if (volumes.length === 0) return;
		for (const { name } of volumes) await disk.remove(name);
		const rows = volumes.flatMap((volume) => [this.#records.delete(volume.name), volumeFact("ACTION_DELETED", volume)]);
		await store.write([...rows, ...more], "volumed.volume.deleted");
	}

	async #existing(existing: StoredVolume, spec: VolumeSpec, answer: Answer<ListedVolume>): Promise<ListedVolume> {
		// Its deletion failed half way: the caller's turn has come, so nobody is at it now.
		if (existing.state !== "ACTIVE") throw volumeFaults.VOLUME_BUSY({ volume: existing.name, job: "removal" });
		const difference = differenceOf(existing, spec);
		if (difference !== undefined) throw volumeFaults.VOLUME_EXISTS({ volume: existing.name, difference });
		const volume = this.get(existing.name);
		const statements = answer(volume);
		if (statements.length > 0) await this.#parts.store.write(statements);
		return volume;
	}
}

export function newVolume({ name, driver, options, labels }: VolumeSpec, now: number): Volume {
	const made = randomBytes(32).toString("hex") as VolumeName; // 64 letters and digits
	return { name: name ?? made, driver, options, labels, anonymous: name === undefined, createdAt: new Date(now) };
}
