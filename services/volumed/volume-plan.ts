/** The volumes that mounts need: those that are there, and those to be made. */
import type { VolumeSource } from "./attachment.ts";
import { volumeFaults } from "./faults.ts";
import type { Parts } from "./parts.ts";
import { differenceOf, differenceOfOptions, LOCAL, newVolume, type Volume, type VolumeName } from "./volume.ts";
import { VolumeRecords } from "./volume-records.ts";
import type { Volumes } from "./volumes.ts";

export interface PlannedVolume {
	readonly volume: Volume;
	readonly isNew: boolean;
	/** Nothing was ever put into it. */
	readonly isPristine: boolean;
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

	/** Names of those that somebody is about to put something into for the first time. */
	get pristine(): string[] {
		return [...this.#planned.values()].filter(({ isPristine }) => isPristine).map(({ volume }) => volume.name);
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
		const fresh = { volume: newVolume(wanted, backing, this.#parts.now()), isNew: true, isPristine: true };
		this.#planned.set(fresh.volume.name, fresh);
		return fresh;
	}

	/** Makes what is not there; `undo` takes it back. */
	async make(undo: AsyncDisposableStack, signal: AbortSignal): Promise<void> {
		const { store, drivers } = this.#parts;
		const { fresh } = this;
		if (fresh.length === 0) return;
		const rows = fresh.map((volume) => this.#records.insert(volume, "CREATING", true));
		await store.intend(rows, "volumed.attachment.creating");
		undo.defer(() => store.write(fresh.map(({ name }) => this.#records.delete(name))));
		for (const volume of fresh) {
			undo.defer(() => this.#volumes.removeContent(volume));
			await drivers.get(volume.driver).create(volume, signal);
		}
	}

	/** The volume, when it is there and can be mounted. */
	async #usable(name: VolumeName): Promise<PlannedVolume | undefined> {
		const volume = await this.#volumes.findSettled(name);
		if (volume === undefined) return undefined;
		await refuseUnusable(this.#parts, volume);
		return { volume, isNew: false, isPristine: volume.pristine };
	}
}

/** Faults: VOLUME_BUSY, VOLUME_DATA_MISSING. */
export async function refuseUnusable(
	{ jobs, disk, mounting }: Parts,
	volume: Volume & { readonly state: string; readonly newName: string | undefined },
): Promise<void> {
	const { name, state, newName } = volume;
	if (state !== "ACTIVE" || newName !== undefined) throw volumeFaults.VOLUME_BUSY({ volume: name, job: "removal" });
	jobs.refuseBusy(name, "restore");
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
