/** Verifications: an archive is read to its end, compared with its manifest and with a volume, and nothing is changed. */
import type { VerifyOutput, VerifyResult, VerifySpec } from "./job.ts";
import { JobControl } from "./job-control.ts";
import { told } from "./jobs.ts";
import { bytesOf, openArchive } from "./kernel/archive-file.ts";
import type { Archiver } from "./kernel/archiver.ts";
import type { Parts } from "./parts.ts";
import { verify } from "./unpacking.ts";
import { usableVolume } from "./volume-plan.ts";
import { VolumeRecords } from "./volume-records.ts";

export class Verifications {
	readonly #parts: Parts;
	readonly #archiver: Archiver;
	readonly #volumes: VolumeRecords;

	constructor(parts: Parts, archiver: Archiver) {
		this.#parts = parts;
		this.#archiver = archiver;
		this.#volumes = new VolumeRecords(parts.store);
	}

	/** Progress, then the result. `sent` is read when the specification names no path. Faults: as the contract says. */
	async *verify(spec: VerifySpec, sent: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<VerifyOutput> {
		const control = new JobControl(signal);
		yield* told(this.#run(spec, sent, control), control);
	}

	async #run(
		{ path, volume: name }: VerifySpec,
		sent: AsyncIterable<Buffer>,
		control: JobControl,
	): Promise<VerifyResult> {
		const archiver = this.#archiver;
		await using opened = new AsyncDisposableStack();
		const file = path === undefined ? undefined : opened.use(await openArchive(path));
		const source = file === undefined ? sent : bytesOf(file);
		if (name === undefined) return await verify({ archiver, path: undefined, source, control });
		const volume = await usableVolume(this.#parts, this.#volumes, name);
		const hold = opened.use(await this.#parts.mounting.hold(volume, control.signal));
		return await verify({ archiver, path: hold.path, source, control });
	}
}
