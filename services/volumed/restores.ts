/**
 * Restores: an archive becomes a volume's content, after all of it was written beside it and verified.
 *
 * Until then the volume is as it was, whatever fails and whoever is killed.
 */
import { volumeFaults } from "./faults.ts";
import type { Fillings } from "./fillings.ts";
import type { ArchiveResult, RestoreOutput, RestoreSpec } from "./job.ts";
import { identityOf } from "./job-records.ts";
import { joined, keptAnswer } from "./joined.ts";
import { JobControl } from "./job-control.ts";
import { told } from "./jobs.ts";
import { bytesOf, openArchive, type StoredArchive } from "./kernel/archive-file.ts";
import type { Parts } from "./parts.ts";
import { plainVolume, type Volume } from "./volume.ts";

export class Restores {
	readonly #parts: Parts;
	readonly #fillings: Fillings;

	constructor(parts: Parts, fillings: Fillings) {
		this.#parts = parts;
		this.#fillings = fillings;
	}

	/** Progress, then the result, or what it would be. `sent` is read when the specification names no path. Faults: as the contract says. */
	async *restore(spec: RestoreSpec, sent: StoredArchive, signal: AbortSignal): AsyncGenerator<RestoreOutput> {
		if (spec.dryRun) return yield* this.#rehearsed(spec, sent, signal);
		const identity = identityOf("restore", spec);
		const { path, volume } = spec;
		if (path === undefined) {
			const { store, jobs, turns } = this.#parts;
			const kept = keptAnswer<ArchiveResult>(store, identity);
			if (kept !== undefined) {
				yield { kind: "result", result: kept };
				return;
			}
			if (jobs.canJoin(identity)) throw volumeFaults.JOB_RUNNING({ requestId: spec.requestId });
			let made: Volume | undefined;
			using control = await turns.take([volume], async () => {
				made = await this.#check(spec, signal);
				return jobs.own(identity, signal);
			});
			const fill = this.#fillings.fromArchive(spec, sent, control);
			yield* told(this.#fillings.carryOut({ spec, made, fill, identity, control }), control);
			return;
		}
		const prepare = async () => {
			await using opened = new AsyncDisposableStack();
			const archive = opened.use(await openArchive(path));
			const made = await this.#check(spec, signal);
			const held = opened.move();
			return async (control: JobControl) => {
				await using _ = held;
				const fill = this.#fillings.fromArchive(spec, bytesOf(archive), control);
				return await this.#fillings.carryOut({ spec, made, fill, identity, control });
			};
		};
		yield* joined(this.#parts, identity, [volume], prepare, signal);
	}

	/** All that would be refused is refused. */
	async *#rehearsed(spec: RestoreSpec, sent: StoredArchive, signal: AbortSignal): AsyncGenerator<RestoreOutput> {
		await using opened = new AsyncDisposableStack();
		const { path, volume } = spec;
		const source = path === undefined ? sent : bytesOf(opened.use(await openArchive(path)));
		await this.#parts.turns.take([volume], () => this.#check(spec, signal));
		const control = new JobControl(signal);
		for await (const output of told(this.#fillings.rehearse(spec, source, control), control))
			yield output.kind === "result" ? { kind: "plan", plan: output.result } : output;
	}

	/** Answers the volume that is to be made. */
	async #check(spec: RestoreSpec, signal: AbortSignal): Promise<Volume | undefined> {
		if ((await this.#fillings.check(spec, signal)) !== undefined) return undefined;
		if (!spec.create) throw volumeFaults.VOLUME_NOT_FOUND({ volume: spec.volume });
		return plainVolume(spec.volume, this.#parts.now());
	}
}
