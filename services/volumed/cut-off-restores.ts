/**
 * Restores within volumes' content that were cut off, by a kill or by a file system that failed: nobody gets such a volume until its content is
 * the old one or the new one as a whole. Its server may be away: it is tried again and again.
 */
import { failedFact } from "./facts.ts";
import { restored } from "./fillings.ts";
import { JobRecords, type StoredJob } from "./job-records.ts";
import type { Parts } from "./parts.ts";
import { VolumeRecords } from "./volume-records.ts";

export const CUT_OFF = "volumed ended before it was done.";

export class CutOffRestores {
	readonly #parts: Parts;
	readonly #volumes: VolumeRecords;
	readonly #records: JobRecords;

	constructor(parts: Parts) {
		this.#parts = parts;
		this.#volumes = new VolumeRecords(parts.store);
		this.#records = new JobRecords(parts.store);
	}

	/** The volume's restore is in the store, and nobody is at it. Idempotent. */
	keep(volume: string): void {
		this.#parts.jobs.keep(volume);
	}

	/** Brings them to their ends. Gives the number of those that still cannot be. */
	async mend(signal: AbortSignal): Promise<number> {
		const { jobs, turns, log } = this.#parts;
		const waiting = this.#records.all().filter((job) => job.isInside && jobs.isKept(job.volume));
		let failures = 0;
		const mended = waiting.map(async (job) => {
			const { volume } = job;
			try {
				await turns.take([volume], () => this.#end(job, signal));
				jobs.letGo(volume);
			} catch (error) {
				failures += 1;
				if (!signal.aborted) log.warn("a restore that was cut off could not be ended", { name: volume, err: error });
			}
		});
		await Promise.all(mended);
		return failures;
	}

	async #end(job: StoredJob, signal: AbortSignal): Promise<void> {
		const { store, disk, mounting } = this.#parts;
		const { id, sealed } = job;
		const volume = this.#volumes.find(job.volume);
		let hasEntered = job.isEntered;
		if (volume?.state === "ACTIVE") {
			await using hold = await mounting.hold(volume, signal);
			if (sealed !== undefined && !hasEntered && (await disk.inside.isThere(hold.path, id))) {
				await disk.inside.enter(hold.path, id);
				await store.write([this.#records.entered(id)], "volumed.reconcile.entered");
				hasEntered = true;
			}
			await disk.inside.discard(hold.path, id);
		}
		if (sealed !== undefined && hasEntered)
			await store.write(restored(store, job, undefined, sealed.result), "volumed.reconcile.restored");
		else await store.write([this.#records.delete(id), failedFact(job.volume, CUT_OFF)], "volumed.reconcile.failed");
	}
}
