/** Removing volumes that nobody uses, all that can be removed. */
import { Fault } from "#lib/fault/fault.ts";
import type { Amounts } from "./descriptions.ts";
import type { Answer, Parts } from "./parts.ts";
import { LOCAL, type ListedVolume } from "./volume.ts";
import { EVERY_VOLUME, type VolumeFilter } from "./volume-records.ts";
import type { Volumes } from "./volumes.ts";

export interface PruneSpec {
	/** Those with a name, too. */
	readonly all: boolean;
	readonly dryRun: boolean;
	readonly labels: ReadonlyMap<string, string>;
	readonly withoutLabels: ReadonlyMap<string, string>;
	readonly until: Date | undefined;
}

export interface Pruned {
	readonly names: readonly string[];
	readonly reclaimedBytes: bigint;
	/** A sentence for each that stayed. */
	readonly problems: readonly string[];
}

/** Somebody else removed it, or uses it now. */
const CAME_BETWEEN = new Set(["VOLUME_NOT_FOUND", "VOLUME_IN_USE"]);
const PAGE = 500;
/** Their durable writes share commits. */
const AT_ONCE = 16;

export class Prune {
	readonly #parts: Parts;
	readonly #volumes: Volumes;
	readonly #amounts: Amounts;
	/** One at a time: two would tell the same names. */
	#last: Promise<unknown> = Promise.resolve();

	constructor(parts: Parts, volumes: Volumes, amounts: Amounts) {
		this.#parts = parts;
		this.#volumes = volumes;
		this.#amounts = amounts;
	}

	prune(spec: PruneSpec, answer: Answer<Pruned>, signal: AbortSignal): Promise<Pruned> {
		const own = this.#last.then(() => this.#prune(spec, answer, signal));
		this.#last = own.catch(() => undefined);
		return own;
	}

	async #prune(spec: PruneSpec, answer: Answer<Pruned>, signal: AbortSignal): Promise<Pruned> {
		const names: string[] = [];
		const problems: string[] = [];
		let reclaimedBytes = 0n;
		for (let after = ""; ; ) {
			const page = this.#volumes.list(filterOf(spec), after, PAGE);
			const found = page.filter(({ options }) => options.size === 0);
			const amounts = await this.#amounts.ofAll(
				found.map((volume) => this.#parts.mounting.mountpoint(volume)),
				signal,
			);
			const removed = await inGroups(found, async (volume) => spec.dryRun || (await this.#remove(volume, problems)));
			for (const [index, { name }] of found.entries()) {
				if (removed[index] !== true) continue;
				names.push(name);
				reclaimedBytes += amounts[index]?.bytes ?? 0n;
			}
			const last = page.at(-1);
			if (last === undefined || page.length < PAGE || signal.aborted) break;
			after = last.name;
		}
		const pruned = { names, reclaimedBytes, problems };
		const rows = answer(pruned);
		if (rows.length > 0) await this.#parts.store.write(rows, "volumed.volumes.pruned");
		return pruned;
	}

	async #remove({ name }: ListedVolume, problems: string[]): Promise<boolean> {
		try {
			await this.#volumes.delete(name, () => []);
			return true;
		} catch (error) {
			if (!(error instanceof Fault)) throw error;
			if (!CAME_BETWEEN.has(error.reason)) problems.push(error.message);
			return false;
		}
	}
}

function filterOf({ all, labels, withoutLabels, until }: PruneSpec): VolumeFilter {
	const anonymous = all ? undefined : true;
	return { ...EVERY_VOLUME, drivers: [LOCAL], dangling: true, anonymous, labels, withoutLabels, madeBefore: until };
}

async function inGroups<T, R>(items: readonly T[], body: (item: T) => Promise<R>): Promise<R[]> {
	const results: R[] = [];
	for (let at = 0; at < items.length; at += AT_ONCE) {
		results.push(...(await Promise.all(items.slice(at, at + AT_ONCE).map(body))));
	}
	return results;
}
