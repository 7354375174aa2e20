/** Backups of several volumes into a directory: each request once, however often it comes. */
import { endOf, type BackupRunSpec, type RunOutput } from "./backup-run.ts";
import { BackupRunRecords, refuseOther, type RunIdentity } from "./backup-run-records.ts";
import { volumeFaults } from "./faults.ts";
import { bodyHashOf } from "./job-records.ts";
import { ArchiveDirectory } from "./kernel/archive-directory.ts";
import { RunningBackups, type RunParts } from "./running-backups.ts";
import { VolumeRecords } from "./volume-records.ts";

export class BackupRuns {
	readonly #parts: RunParts;
	readonly #records: BackupRunRecords;
	/** By request id. */
	readonly #running = new Map<string, RunningBackups>();

	constructor(parts: RunParts) {
		this.#parts = parts;
		this.#records = new BackupRunRecords(parts.parts.store);
	}

	/** Progress, what became of each volume, and the end. Faults: as the contract says; then nothing was begun. */
	async *backup(spec: BackupRunSpec, signal: AbortSignal): AsyncGenerator<RunOutput> {
		const identity = { requestId: spec.requestId, bodyHash: bodyHashOf(spec) };
		const known = this.#known(identity);
		if (known !== undefined) return yield* known.follow(signal);
		const run = await this.#parts.parts.turns.take(spec.volumes, async () => {
			await this.#check(spec);
			// It may have come meanwhile.
			return this.#known(identity) ?? this.#begin(spec, identity);
		});
		yield* run.follow(signal);
	}

	/** One that runs, or has ended. Fault: REQUEST_ID_REUSED. */
	#known(identity: RunIdentity): Pick<RunningBackups, "follow"> | undefined {
		const running = this.#running.get(identity.requestId);
		if (running !== undefined) {
			refuseOther(identity, running.identity.bodyHash);
			return running;
		}
		const record = this.#records.find(identity);
		if (record === undefined) return undefined;
		return {
			async *follow() {
				yield* record.outcomes;
				yield endOf(record);
			},
		};
	}

	#begin(spec: BackupRunSpec, identity: RunIdentity): RunningBackups {
		const { requestId } = identity;
		const run = new RunningBackups(this.#parts, spec, identity, () => void this.#running.delete(requestId));
		this.#running.set(requestId, run);
		return run;
	}

	/** What is the matter with one volume alone is told when it is its turn. */
	async #check({ volumes, target }: BackupRunSpec): Promise<void> {
		const { store, log } = this.#parts.parts;
		const records = new VolumeRecords(store);
		const missing = volumes.find((name) => records.find(name)?.state !== "ACTIVE");
		if (missing !== undefined) throw volumeFaults.VOLUME_NOT_FOUND({ volume: missing });
		await new ArchiveDirectory(target.path, log).check();
	}
}
