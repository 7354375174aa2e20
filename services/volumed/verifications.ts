/** Verifications: an archive is read to its end, compared with its manifest and with a volume, and nothing is changed. */
import type { Told, VerifyResult, VerifySpec } from "./job.ts";
import { JobControl } from "./job-control.ts";
import { identityOf, JobRecords } from "./job-records.ts";
import { joined } from "./joined.ts";
import { told } from "./jobs.ts";
import { bytesOf, openArchive, type StoredArchive } from "./kernel/archive-file.ts";
import type { Archiver } from "./kernel/archiver.ts";
import type { Parts } from "./parts.ts";
import { verify } from "./unpacking.ts";
import { usableVolume } from "./volume-plan.ts";
import { MadeArchives } from "./made-archives.ts";
import { VolumeRecords } from "./volume-records.ts";

export class Verifications {
	readonly #parts: Parts;
	readonly #archiver: Archiver;
	readonly #volumes: VolumeRecords;
	readonly #records: JobRecords;

	constructor(parts: Parts, archiver: Archiver) {
		this.#parts = parts;
		this.#archiver = archiver;
		this.#volumes = new VolumeRecords(parts.store);
		this.#records = new JobRecords(parts.store);
	}

	/** Progress, then the result. `sent` is read when the specification names no path. Faults: as the contract says. */
	async *verify(
		spec: VerifySpec,
		sent: AsyncIterable<Buffer>,
		signal: AbortSignal,
	): AsyncGenerator<Told<VerifyResult>> {
		const { path } = spec;
		if (path === undefined) {
			const control = new JobControl(signal);
			yield* told(this.#run(spec, sent, control), control);
			return;
		}
		const identity = identityOf("verification", spec);
		const names = spec.volume === undefined ? [] : [spec.volume];
		const prepare = async () => {
			if (spec.volume !== undefined) await usableVolume(this.#parts, this.#volumes, spec.volume);
			const archive = await openArchive(path);
			return async (control: JobControl): Promise<VerifyResult> => {
				await using file = archive;
				const result = await this.#run(spec, bytesOf(file), control);
				await this.#parts.store.write([this.#records.answer(identity, result)], "volumed.verify.done");
				return result;
			};
		};
		yield* joined(this.#parts, identity, names, prepare, signal);
	}

	async #run(
		{ volume: name, maxExpansion }: VerifySpec,
		source: StoredArchive,
		control: JobControl,
	): Promise<VerifyResult> {
		const archiver = this.#archiver;
		const reading = { archiver, source, control, maxExpansion, made: new MadeArchives(this.#parts.store) };
		if (name === undefined) return await verify({ ...reading, path: undefined });
		const volume = await usableVolume(this.#parts, this.#volumes, name);
		await using hold = await this.#parts.mounting.hold(volume, control.signal);
		return await verify({ ...reading, path: hold.path });
	}
}
