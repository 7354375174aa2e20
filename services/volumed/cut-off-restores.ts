/**
 * Restores within volumes' content that were cut off, by a kill or by a file system that failed: nobody gets such a volume until its content is
 * the old one or the new one as a whole. Its server may be away: it is tried again and again.
 */
import { isFault } from "#lib/fault/fault.ts";
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
		let problem: string | undefined;
		if (volume?.state === "ACTIVE") {
			await using hold = await mounting.hold(volume, signal);
			if (sealed !== undefined && !hasEntered) {
				problem = await this.#enter(hold.path, id, sealed.identity);
				hasEntered = problem === undefined;
			}
			// What somebody else has changed may be all that is left of the old content.
			if (problem === undefined) await disk.inside.discard(hold.path, id);
		}
		if (sealed !== undefined && hasEntered)
			await store.write(restored(store, job, undefined, sealed.result), "volumed.reconcile.restored");
		else
			await store.write(
				[this.#records.delete(id), failedFact(job.volume, problem ?? CUT_OFF)],
				"volumed.reconcile.failed",
			);
	}

	/** Undefined: all of it is the content. Otherwise why it never can be. */
	async #enter(path: string, id: string, seal: string): Promise<string | undefined> {
		const { store, disk, log } = this.#parts;
		try {
			await disk.inside.enter(path, id, seal);
		} catch (error) {
			if (!isFault(error, "STAGE_CHANGED")) throw error;
			log.warn("a restore that was cut off is given up, and what is left of it stays", { path, err: error });
			return error.message;
		}
		await store.write([this.#records.entered(id)], "volumed.reconcile.entered");
		return undefined;
	}
}
