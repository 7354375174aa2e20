/** Clones: a backup of one volume that fills another one while it is made. */
import type { Backups } from "./backups.ts";
import { volumeFaults } from "./faults.ts";
import type { Fillings } from "./fillings.ts";
import type { ArchiveResult, CloneSpec, JobOutput, Told } from "./job.ts";
import { identityOf } from "./job-records.ts";
import { joined } from "./joined.ts";
import type { JobControl } from "./job-control.ts";
import type { Parts } from "./parts.ts";
import { newVolume, plainVolume, type Volume } from "./volume.ts";
import { usableVolume } from "./volume-plan.ts";
import { VolumeRecords } from "./volume-records.ts";

export class Clones {
	readonly #parts: Parts;
	readonly #backups: Backups;
	readonly #fillings: Fillings;
	readonly #volumes: VolumeRecords;

	constructor(parts: Parts, backups: Backups, fillings: Fillings) {
		this.#parts = parts;
		this.#backups = backups;
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
		const filled = { volume: target, existing, strip: 0, privileges: true } as const;
		const prepare = async () => {
			const source = await usableVolume(this.#parts, this.#volumes, volume);
			const found = await this.#fillings.check(filled, signal);
			const made = found === undefined ? await this.#likeSource(spec, source) : undefined;
			return async (control: JobControl): Promise<ArchiveResult> => {
				const outputs = this.#backups.backup(backupOf(spec), control.signal);
				try {
					// What cannot be read is refused before anything is made.
					const first = await outputs.next();
					const bytes = bytesOf(first, outputs);
					return await this.#fillings.carryOut({ spec: filled, made, source: bytes, identity, control });
				} finally {
					await outputs.return(undefined);
				}
			};
		};
		yield* joined(this.#parts, identity, [volume, target], prepare, signal);
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

function backupOf({ requestId, volume, pause }: CloneSpec) {
	const patterns = { include: [], exclude: [] };
	const target = { kind: "stream" } as const;
	return { requestId, volume, target, patterns, pause, compression: "none", level: undefined } as const;
}

async function* bytesOf(first: IteratorResult<JobOutput>, rest: AsyncIterable<JobOutput>): AsyncGenerator<Buffer> {
	if (first.done !== true && first.value.kind === "chunk") yield first.value.bytes;
	for await (const output of rest) if (output.kind === "chunk") yield output.bytes;
}
