/** A volume that is filled, from an archive or with what is in another one: written to a stage, all of it, and put in place. */
import { randomBytes } from "node:crypto";
import { Undo } from "#lib/concurrency/undo.ts";
import { isFault } from "#lib/fault/fault.ts";
import type { Statement } from "#lib/store/store.ts";
import type { CutOffRestores } from "./cut-off-restores.ts";
import { backupFact, failedFact, messageOf, volumeFact } from "./facts.ts";
import { volumeFaults } from "./faults.ts";
import type { ArchiveResult, RestorePlan, RestoreSpec } from "./job.ts";
import { JobRecords, type StoredJob } from "./job-records.ts";
import type { JobControl } from "./job-control.ts";
import type { JobIdentity } from "./jobs.ts";
import type { StoredArchive } from "./kernel/archive-file.ts";
import type { Archiver } from "./kernel/archiver.ts";
import type { Parts } from "./parts.ts";
import { besideStaging, insideStaging, isInside, refuseContent, type Staging } from "./staging.ts";
import { rehearse, unpack, type Unpacked } from "./unpacking.ts";
import type { Destination } from "./tree/destination.ts";
import { Uses, usersText } from "./uses.ts";
import type { Volume } from "./volume.ts";
import { MadeArchives } from "./made-archives.ts";
import { refuseUnsettled } from "./volume-plan.ts";
import { type StoredVolume, VolumeRecords } from "./volume-records.ts";

export interface Filling {
	readonly spec: FillSpec;
	/** To be made first; undefined: it is there. */
	readonly made: Volume | undefined;
	readonly fill: Fill;
	readonly identity: JobIdentity;
	readonly control: JobControl;
}

export type FillSpec = Pick<RestoreSpec, "volume" | "existing">;

/** Writes to an empty directory. When it throws, the directory is of no use. */
export type Fill = (destination: Destination) => Promise<Unpacked>;

type UnpackSpec = FillSpec & Pick<RestoreSpec, "strip" | "privileges" | "maxExpansion">;

export class Fillings {
	readonly #parts: Parts;
	readonly #archiver: Archiver;
	readonly #cutOff: CutOffRestores;
	readonly #volumes: VolumeRecords;
	readonly #records: JobRecords;
	readonly #made: MadeArchives;

	constructor(parts: Parts, archiver: Archiver, cutOff: CutOffRestores) {
		this.#parts = parts;
		this.#archiver = archiver;
		this.#cutOff = cutOff;
		this.#volumes = new VolumeRecords(parts.store);
		this.#records = new JobRecords(parts.store);
		this.#made = new MadeArchives(parts.store);
	}

	/** Under the volume's turn, before its filling. Undefined: there is no such volume. Faults: as the contract says. */
	async check({ volume: name, existing }: FillSpec, signal: AbortSignal): Promise<StoredVolume | undefined> {
		const { jobs, store } = this.#parts;
		const volume = this.#volumes.find(name);
		if (volume === undefined) return undefined;
		refuseUnsettled(jobs, volume);
		const users = new Uses(store).of(name);
		if (users.length > 0) throw volumeFaults.VOLUME_IN_USE({ volume: name, containers: usersText(users) });
		jobs.refuseBusy(name);
		await refuseContent(this.#parts, volume, existing, signal);
		return volume;
	}

	/** After the same check: what would be done, and nothing is. */
	async rehearse(spec: UnpackSpec, source: StoredArchive, control: JobControl): Promise<RestorePlan> {
		const { mounting, disk } = this.#parts;
		const { volume: name, existing } = spec;
		const volume = existing === "refuse" ? undefined : this.#volumes.find(name);
		const isThere = volume !== undefined && (mounting.needsMount(volume) || (await disk.hasData(name)));
		await using opened = new AsyncDisposableStack();
		const path = isThere ? opened.use(await mounting.hold(volume, control.signal)).path : undefined;
		const merged = existing === "merge";
		return await rehearse({
			archiver: this.#archiver,
			path,
			merged,
			spec,
			source,
			control,
			made: this.#made,
		});
	}

	/** What an archive has. Faults: as of `unpack`. */
	fromArchive(spec: UnpackSpec, source: StoredArchive, control: JobControl): Fill {
		return (destination) => unpack({ archiver: this.#archiver, destination, spec, source, control, made: this.#made });
	}

	/** Until the last step the volume is as it was, or not there, whatever fails and whoever is killed. Faults: as the contract says. */
	async carryOut(filling: Filling): Promise<ArchiveResult> {
		const { store, now } = this.#parts;
		const { spec, made, identity } = filling;
		const { volume: name } = spec;
		const volume = made ?? this.#volumes.find(name);
		if (volume === undefined) throw volumeFaults.VOLUME_NOT_FOUND({ volume: name });
		const id = randomBytes(16).toString("hex");
		const within = await isInside(this.#parts, volume, spec.existing);
		const job: StoredJob = {
			...identity,
			id,
			path: "",
			temporary: "",
			isInside: within,
			isEntered: false,
			sealed: undefined,
		};
		const rows = made ? [this.#volumes.insert(made, "CREATING", false)] : [];
		await store.write([this.#records.insert(job, now()), ...rows], "volumed.restore.began");
		let sealed: StoredJob["sealed"];
		let result: ArchiveResult;
		try {
			result = await this.#filled(filling, volume, job, (last) => {
				sealed = last;
			});
		} catch (error) {
			// Of one that was there before, what has begun to enter it is gone on with, unless that is not there any more.
			if (sealed !== undefined && within && made === undefined && !isFault(error, "STAGE_CHANGED")) {
				this.#cutOff.keep(name);
				throw volumeFaults.RESTORE_UNFINISHED({ volume: name, problem: messageOf(error) }, { cause: error });
			}
			const gone = made ? [this.#volumes.delete(name)] : [];
			await store.write(
				[this.#records.delete(id), ...gone, failedFact(name, messageOf(error))],
				"volumed.restore.failed",
			);
			throw error;
		}
		await store.write(restored(this.#parts.store, job, made, result), "volumed.restore.done");
		return result;
	}

	async #filled(
		{ spec, made, fill, control }: Filling,
		volume: Volume,
		{ id, isInside: within }: StoredJob,
		isSealed: (sealed: NonNullable<StoredJob["sealed"]>) => void,
	): Promise<ArchiveResult> {
		const { store, log, drivers } = this.#parts;
		const { signal } = control;
		await using undo = new Undo({}, log);
		if (made) {
			undo.defer(() => this.#removeMade(made));
			if (within) await drivers.get(made.driver).create(made, signal);
		}
		await using staging: Staging = within
			? await insideStaging(this.#parts, volume, id, spec.existing, signal)
			: besideStaging(this.#parts, spec.volume, id);
		await using unstage = new Undo({}, log);
		unstage.defer(() => staging.discard());
		const destination = await staging.begin();
		const { result, implied } = await fill(destination);
		const identity = await staging.prepare(implied);
		signal.throwIfAborted();
		await store.write([this.#records.seal(id, identity, result)], "volumed.restore.sealed");
		isSealed({ identity, result });
		if (within) unstage.done();
		await staging.commit(identity);
		unstage.done();
		undo.done();
		return result;
	}

	async #removeMade(volume: Volume): Promise<void> {
		await this.#parts.drivers.get(volume.driver).remove(volume);
		await this.#parts.disk.bury(volume.name);
	}
}

/** What makes it true in the store, once the content is in place. */
export function restored(
	store: Parts["store"],
	job: JobIdentity & { readonly id: string },
	created: Volume | undefined,
	result: ArchiveResult,
): Statement[] {
	const [records, volumes] = [new JobRecords(store), new VolumeRecords(store)];
	return [
		records.delete(job.id),
		...(created ? [volumes.setState(created.name, "ACTIVE"), volumeFact("ACTION_CREATED", created)] : []),
		volumes.touched(job.volume),
		backupFact("ACTION_RESTORED", result),
		records.answer(job, result),
	];
}
