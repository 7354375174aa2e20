/** The volumes that mounts need: those that are there, and those to be made. */
import type { Undo } from "#lib/concurrency/undo.ts";
import type { Statement } from "#lib/store/store.ts";
import type { VolumeSource } from "./attachment.ts";
import { volumeFact } from "./facts.ts";
import { volumeFaults } from "./faults.ts";
import type { Jobs } from "./jobs.ts";
import type { Parts } from "./parts.ts";
import { differenceOf, differenceOfOptions, LOCAL, newVolume, type Volume, type VolumeName } from "./volume.ts";
import { type StoredVolume, VolumeRecords } from "./volume-records.ts";
import type { Volumes } from "./volumes.ts";

export interface PlannedVolume {
	readonly volume: Volume;
	readonly isNew: boolean;
	/** Nothing was ever put into it. */
	readonly isPristine: boolean;
	/** A power cut does not take its directory back any more. */
	readonly isSynced: boolean;
}

export class VolumePlan {
	readonly #parts: Parts;
	readonly #volumes: Volumes;
	readonly #records: VolumeRecords;
	/** By name: two mounts may want one volume that is not there yet. */
	readonly #planned = new Map<string, PlannedVolume>();

	constructor(parts: Parts, volumes: Volumes) {
		this.#parts = parts;
		this.#volumes = volumes;
		this.#records = new VolumeRecords(parts.store);
	}

	get all(): Volume[] {
		return [...this.#planned.values()].map(({ volume }) => volume);
	}

	get fresh(): Volume[] {
		return [...this.#planned.values()].filter(({ isNew }) => isNew).map(({ volume }) => volume);
	}

	/** Everything that can be refused is refused here; nothing is changed. Faults: as `Attach` says. */
	async add({
		name,
		driver,
		options,
		labels,
	}: Omit<VolumeSource, "kind" | "copy" | "subpath">): Promise<PlannedVolume> {
		const planned = name === undefined ? undefined : (this.#planned.get(name) ?? (await this.#usable(name)));
		if (planned !== undefined) {
			refuseOther(planned.volume, driver, options);
			this.#planned.set(planned.volume.name, planned);
			return planned;
		}
		const wanted = { name, driver: driver || LOCAL, options, labels };
		const backing = await this.#parts.drivers.get(wanted.driver).plan(options);
		const fresh = {
			volume: newVolume(wanted, backing, this.#parts.now()),
			isNew: true,
			isPristine: true,
			isSynced: false,
		};
		this.#planned.set(fresh.volume.name, fresh);
		return fresh;
	}

	/** Names of those whose directory is to be made durable first: an empty one must not pass for it. */
	get unsynced(): string[] {
		return [...this.#planned.values()].filter(({ isSynced }) => !isSynced).map(({ volume }) => volume.name);
	}

	/** From now on an empty directory of theirs must not pass for one that a power cut has taken. */
	async persist(): Promise<void> {
		if (this.unsynced.length > 0) await this.#parts.disk.persist(this.unsynced);
	}

	/** What the store says of all of them once somebody uses them. */
	used(): Statement[] {
		const { fresh, unsynced } = this;
		return [
			...fresh.flatMap((volume) => [
				this.#records.setState(volume.name, "ACTIVE"),
				volumeFact("ACTION_CREATED", volume),
			]),
			...[...this.#planned.values()]
				.filter(({ isPristine }) => isPristine)
				.map(({ volume }) => this.#records.touched(volume.name)),
			...(unsynced.length === 0 ? [] : [this.#records.setSynced(unsynced)]),
		];
	}

	/** Makes what is not there; `undo` takes it back. */
	async make(undo: Undo, signal: AbortSignal): Promise<void> {
		const { drivers } = this.#parts;
		const { fresh } = this;
		if (fresh.length === 0) return;
		const rows = fresh.map((volume) => this.#records.insert(volume, "CREATING", true));
		await this.#volumes.intend(fresh, rows, "volumed.attachment.creating");
		for (const volume of fresh) undo.defer(() => this.#volumes.takeBack(volume));
		for (const volume of fresh) {
			await drivers.get(volume.driver).create(volume, signal);
		}
	}

	/** The volume, when it is there and can be mounted. */
	async #usable(name: VolumeName): Promise<PlannedVolume | undefined> {
		const volume = await this.#volumes.findSettled(name);
		if (volume === undefined) return undefined;
		await refuseUnusable(this.#parts, volume);
		return { volume, isNew: false, isPristine: volume.pristine, isSynced: volume.synced };
	}
}

/** One whose content can be read. Faults: VOLUME_NOT_FOUND, VOLUME_BUSY, VOLUME_DATA_MISSING. */
export async function usableVolume(parts: Parts, records: VolumeRecords, name: VolumeName): Promise<Volume> {
	const volume = records.find(name);
	if (volume?.state !== "ACTIVE") throw volumeFaults.VOLUME_NOT_FOUND({ volume: name });
	await refuseUnusable(parts, volume);
	return volume;
}

/** Fault: VOLUME_BUSY for one that is being made, renamed or removed. */
export function refuseUnsettled(
	jobs: Pick<Jobs, "refuseRunning">,
	{ name, state, newName }: Pick<StoredVolume, "name" | "state" | "newName">,
): void {
	if (state === "ACTIVE" && newName === undefined) return;
	// A restore or a clone that makes it says more.
	jobs.refuseRunning(name);
	const job = state === "CREATING" ? "creation" : state === "ACTIVE" ? "renaming" : "removal";
	throw volumeFaults.VOLUME_BUSY({ volume: name, job });
}

/** Faults: VOLUME_BUSY, VOLUME_DATA_MISSING. */
export async function refuseUnusable({ jobs, disk, mounting }: Parts, volume: StoredVolume): Promise<void> {
	const { name } = volume;
	refuseUnsettled(jobs, volume);
	jobs.refuseFilling(name);
	if (!mounting.needsMount(volume) && !(await disk.hasData(name))) {
		throw volumeFaults.VOLUME_DATA_MISSING({ volume: name, path: disk.mountpoint(name) });
	}
}

/** A mount that says nothing of driver and options takes the volume as it is. */
function refuseOther(volume: Volume, driver: string, options: ReadonlyMap<string, string>): void {
	const difference =
		driver === ""
			? options.size > 0 && differenceOfOptions(volume, options)
			: options.size > 0
				? differenceOf(volume, { driver, options, labels: volume.labels })
				: driver !== volume.driver && `the driver ${volume.driver} and not ${driver}`;
	if (typeof difference === "string") throw volumeFaults.VOLUME_EXISTS({ volume: volume.name, difference });
}
