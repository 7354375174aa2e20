/** Volumes as people see them: where they are, what their driver says, and how much is in them. */
import type { Parts } from "./parts.ts";
import type { DescribedVolume, ListedVolume } from "./volume.ts";

export interface Amount {
	readonly bytes: bigint;
	readonly files: bigint;
}

/** How much is in directories; one after the other's place. Undefined: it is not there any more. */
export interface Amounts {
	ofAll(paths: readonly string[], signal: AbortSignal): Promise<readonly (Amount | undefined)[]>;
}

export class Descriptions {
	readonly #parts: Parts;
	readonly #amounts: Amounts;

	constructor(parts: Parts, amounts: Amounts) {
		this.#parts = parts;
		this.#amounts = amounts;
	}

	async of(volumes: readonly ListedVolume[], withUsage: boolean, signal: AbortSignal): Promise<DescribedVolume[]> {
		const described = await Promise.all(volumes.map((volume) => this.#one(volume)));
		if (!withUsage) return described;
		// What is not mounted is not mounted for this.
		const seen = described.filter(({ reachable }) => reachable);
		const amounts = await this.#amounts.ofAll(
			seen.map(({ place }) => place),
			signal,
		);
		const found = new Map(seen.map(({ name }, index) => [name, amounts[index]]));
		return described.map((volume) => ({ ...volume, usage: found.get(volume.name) }));
	}

	async #one(volume: ListedVolume): Promise<DescribedVolume & { readonly reachable: boolean }> {
		const { mounting, drivers } = this.#parts;
		const driver = drivers.get(volume.driver);
		const place = mounting.mountpoint(volume);
		if (volume.backing === "directory")
			return { ...volume, place, status: new Map(), usage: undefined, reachable: true };
		// A plugin that is away keeps nobody from seeing the volume.
		const status = await driver.status(volume).catch((error: Error) => new Map([["error", error.message]]));
		const reachable = !driver.needsMount(volume) || (await driver.isMounted(volume));
		return { ...volume, place, status, usage: undefined, reachable };
	}
}
