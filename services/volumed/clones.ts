/** Clones: a backup of one volume that a restore of another one reads while it is made. */
import type { Backups } from "./backups.ts";
import { volumeFaults } from "./faults.ts";
import type { CloneSpec, JobOutput } from "./job.ts";
import type { Restores } from "./restores.ts";

export class Clones {
	readonly #backups: Backups;
	readonly #restores: Restores;

	constructor(backups: Backups, restores: Restores) {
		this.#backups = backups;
		this.#restores = restores;
	}

	/** Progress, then the result. Faults: as the contract says; then the target is as it was. */
	async *clone(
		{ requestId, volume, target, replace, pause }: CloneSpec,
		signal: AbortSignal,
	): AsyncGenerator<Exclude<JobOutput, { kind: "chunk" }>> {
		if (volume === target)
			throw volumeFaults.INVALID_OPTION(
				{ option: "target", value: target, allowed: "another volume" },
				{ field: "target" },
			);
		const patterns = { include: [], exclude: [] };
		const from = { kind: "stream" } as const;
		const backup = { requestId, volume, target: from, patterns, pause, compression: "none", level: undefined } as const;
		const outputs = this.#backups.backup(backup, signal);
		// What cannot be read is refused before anything is made.
		const first = await outputs.next();
		const existing = replace ? "replace" : "refuse";
		const what = { requestId, volume: target, path: undefined, create: true, strip: 0, privileges: true } as const;
		const restore = { ...what, existing } as const;
		try {
			for await (const output of this.#restores.restore(restore, bytesOf(first, outputs), signal)) {
				if (output.kind !== "chunk") yield output;
			}
		} finally {
			await outputs.return(undefined);
		}
	}
}

async function* bytesOf(first: IteratorResult<JobOutput>, rest: AsyncIterable<JobOutput>): AsyncGenerator<Buffer> {
	if (first.done !== true && first.value.kind === "chunk") yield first.value.bytes;
	for await (const output of rest) if (output.kind === "chunk") yield output.bytes;
}
