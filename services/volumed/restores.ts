/**
 * Restores: an archive becomes a volume's content, after all of it was written beside it and verified.
 *
 * Until then the volume is as it was, whatever fails and whoever is killed.
 */
import { rpcFaults } from "#lib/rpc/faults.ts";
import { volumeFaults } from "./faults.ts";
import type { Fillings } from "./fillings.ts";
import type { JobOutput, RestoreSpec } from "./job.ts";
import { identityOf, JobRecords } from "./job-records.ts";
import { told } from "./jobs.ts";
import { bytesOf, openArchive } from "./kernel/archive-file.ts";
import type { Parts } from "./parts.ts";
import { plainVolume, type Volume } from "./volume.ts";

export class Restores {
	readonly #parts: Parts;
	readonly #fillings: Fillings;
	readonly #records: JobRecords;

	constructor(parts: Parts, fillings: Fillings) {
		this.#parts = parts;
		this.#fillings = fillings;
		this.#records = new JobRecords(parts.store);
	}

	/** Progress, then the result. `sent` is read when the specification names no path. Faults: as the contract says. */
	async *restore(spec: RestoreSpec, sent: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<JobOutput> {
		const { jobs, turns } = this.#parts;
		const identity = identityOf("restore", spec);
		const kept = this.#records.findAnswer("restore", spec.requestId);
		if (kept !== undefined) {
			if (kept.bodyHash !== identity.bodyHash)
				throw rpcFaults.REQUEST_ID_REUSED({ method: "restore", requestId: spec.requestId });
			yield { kind: "result", result: kept.result };
			return;
		}
		const { path } = spec;
		if (path !== undefined) {
			await turns.take([spec.volume], async () => {
				if (jobs.canJoin(identity)) return;
				await using opened = new AsyncDisposableStack();
				const archive = opened.use(await openArchive(path));
				const made = await this.#check(spec, signal);
				const held = opened.move();
				jobs.begin(identity, async (control) => {
					await using _ = held;
					return await this.#fillings.carryOut({ spec, made, source: bytesOf(archive), identity, control });
				});
			});
			yield* jobs.follow(identity, signal);
			return;
		}
		if (jobs.canJoin(identity)) throw volumeFaults.JOB_RUNNING({ requestId: spec.requestId });
		let made: Volume | undefined;
		using control = await turns.take([spec.volume], async () => {
			made = await this.#check(spec, signal);
			return jobs.own(identity, signal);
		});
		yield* told(this.#fillings.carryOut({ spec, made, source: sent, identity, control }), control);
	}

	/** Answers the volume that is to be made. */
	async #check(spec: RestoreSpec, signal: AbortSignal): Promise<Volume | undefined> {
		if ((await this.#fillings.check(spec, signal)) !== undefined) return undefined;
		if (!spec.create) throw volumeFaults.VOLUME_NOT_FOUND({ volume: spec.volume });
		return plainVolume(spec.volume, this.#parts.now());
	}
}
