/** Clones: what is in a volume fills another one, copied or shared, as a backup and a restore of it would. */
import type { BackupParts } from "./backups.ts";
import { type Content, Contents } from "./contents.ts";
import { volumeFaults } from "./faults.ts";
import type { Fillings } from "./fillings.ts";
import type { ArchiveResult, CloneSpec, Progress, Told } from "./job.ts";
import { identityOf } from "./job-records.ts";
import { joined } from "./joined.ts";
import type { JobControl } from "./job-control.ts";
import type { Archiver } from "./kernel/archiver.ts";
import type { Copying } from "./kernel/copying.ts";
import { type Moment, NOT_PAUSED, ownMoment, type Pausing } from "./moment.ts";
import type { Parts } from "./parts.ts";
import type { Destination } from "./tree/destination.ts";
import type { Unpacked } from "./unpacking.ts";
import { newVolume, plainVolume, type Volume } from "./volume.ts";
import { usableVolume } from "./volume-plan.ts";
import { VolumeRecords } from "./volume-records.ts";

interface Source extends AsyncDisposable {
	readonly content: Content;
	readonly copying: Copying;
	/** Undefined: nobody is paused, and nothing is read twice. */
	readonly moment: Moment | undefined;
}

export class Clones {
	readonly #parts: Parts;
	readonly #archiver: Archiver;
	readonly #pauses: Pausing;
	readonly #contents: Contents;
	readonly #fillings: Fillings;
	readonly #volumes: VolumeRecords;

	constructor(
		parts: Parts,
		{ archiver, pauses, snapshots }: Pick<BackupParts, "archiver" | "pauses" | "snapshots">,
		fillings: Fillings,
	) {
		this.#parts = parts;
		this.#archiver = archiver;
		this.#pauses = pauses;
		this.#contents = new Contents(parts, snapshots);
		this.#fillings = fillings;
		this.#volumes = new VolumeRecords(parts.store);
	}

	/** Progress, then the result. Faults: as the contract says; then the target is as it was. */
	async *clone(spec: CloneSpec, signal: AbortSignal): AsyncGenerator<Told<ArchiveResult>> {
		const { volume, target } = spec;
		if (volume === target)
			throw volumeFaults.INVALID_OPTION(
				{ option: "target", value: target, allowed: "another volume" },
				{ field: "target" },
			);
		const identity = identityOf("clone", spec, target);
		const existing = spec.replace ? "replace" : "refuse";
		const filled = { volume: target, existing } as const;
		const prepare = async () => {
			const source = await usableVolume(this.#parts, this.#volumes, volume);
			const found = await this.#fillings.check(filled, signal);
			const made = found === undefined ? await this.#likeSource(spec, source) : undefined;
			return async (control: JobControl): Promise<ArchiveResult> => {
				using _ = this.#parts.jobs.own({ ...identity, kind: "backup", volume }, control.signal);
				// What cannot be read is refused before anything is made.
				await using source = await this.#opened(spec, control);
				const fill = (destination: Destination): Promise<Unpacked> => filledFrom(source, target, destination);
				return await this.#fillings.carryOut({ spec: filled, made, fill, identity, control });
			};
		};
		yield* joined(this.#parts, identity, [volume, target], prepare, signal);
	}

	/** What is copied, until it is disposed. */
	async #opened({ volume, pause }: CloneSpec, control: JobControl): Promise<Source> {
		const { signal } = control;
		await using held = new AsyncDisposableStack();
		const content = held.use(await this.#contents.hold(volume, signal));
		const moment = pause && !content.isStill ? ownMoment(this.#pauses, volume, signal) : undefined;
		const told = (progress: Progress): void => {
			control.progress = progress;
		};
		const spec = { path: content.path, twice: moment !== undefined, told };
		const copying = held.use(await this.#archiver.copy(spec, signal));
		const kept = held.move();
		return { content, copying, moment, [Symbol.asyncDispose]: () => kept.disposeAsync() };
	}

	/** The volume that is to be made. Fault: CANNOT_RESTORE when it would have its content where the source has it, or nowhere. */
	async #likeSource({ target, labels, withOptions }: CloneSpec, source: Volume): Promise<Volume> {
		const now = this.#parts.now();
		const kept = labels ?? source.labels;
		if (!withOptions) return { ...plainVolume(target, now), labels: kept };
		const { driver, options } = source;
		const home = this.#parts.drivers.get(driver).home(source);
		if (home !== "volume") {
			const problem = `with the options of ${source.name} its content would be ${home === "memory" ? "in memory, and gone at once" : "the same as that one's"}`;
			throw volumeFaults.CANNOT_RESTORE({ volume: target, problem });
		}
		const backing = await this.#parts.drivers.get(driver).plan(options);
		return newVolume({ name: target, driver, options, labels: kept }, backing, now);
	}
}

async function filledFrom(
	{ content, copying, moment }: Source,
	volume: string,
	destination: Destination,
): Promise<Unpacked> {
	await copying.into(destination);
	const { paused, pausedMs, warnings } = (await moment?.reach((writers) => copying.catchUp(writers))) ?? NOT_PAUSED;
	const finished = await copying.finish();
	const told = { paused, pausedMs, warnings: [...content.warnings, ...finished.warnings, ...warnings] };
	const result = { volume, ...copying.progress, ...told, ...NO_ARCHIVE };
	return { result, implied: finished.implied };
}

const NO_ARCHIVE = { expandedBytes: 0, storedBytes: 0, manifestSha256: "", verified: false, path: "", removed: [] };
