/** Verifications: an archive is read to its end, compared with its manifest and with a volume, and nothing is changed. */
import { volumeFaults } from "./faults.ts";
import type { VerifyOutput, VerifyResult, VerifySpec } from "./job.ts";
import type { JobControl } from "./jobs.ts";
import { openArchive } from "./kernel/archive-file.ts";
import type { Archiver } from "./kernel/archiver.ts";
import type { Parts } from "./parts.ts";
import { verify } from "./unpacking.ts";
import { refuseUnusable } from "./volume-plan.ts";
import { VolumeRecords } from "./volume-records.ts";

const PROGRESS_MS = 250;
const READ_BYTES = 1024 * 1024;

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
		const control: JobControl = { signal, progress: { entries: 0, bytes: 0 } };
		let over = false;
		const running = this.#run(spec, sent, control).finally(() => {
			over = true;
		});
		running.catch(() => undefined); // it is awaited below
		for (;;) {
			await Promise.race([running, new Promise((resolve) => setTimeout(resolve, PROGRESS_MS))]);
			yield { kind: "progress", progress: control.progress };
			if (over) break;
		}
		yield { kind: "result", result: await running };
	}

	async #run(
		{ path, volume: name }: VerifySpec,
		sent: AsyncIterable<Buffer>,
		control: JobControl,
	): Promise<VerifyResult> {
		const archiver = this.#archiver;
		await using opened = new AsyncDisposableStack();
		const file = path === undefined ? undefined : opened.use(await openArchive(path));
		const source = file?.createReadStream({ autoClose: false, highWaterMark: READ_BYTES }) ?? sent;
		if (name === undefined) return await verify({ archiver, path: undefined, source, control });
		const volume = this.#volumes.find(name);
		if (volume?.state !== "ACTIVE") throw volumeFaults.VOLUME_NOT_FOUND({ volume: name });
		await refuseUnusable(this.#parts, volume);
		const hold = opened.use(await this.#parts.mounting.hold(volume, control.signal));
		return await verify({ archiver, path: hold.path, source, control });
	}
}
