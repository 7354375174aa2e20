/** Volumes as people see them: where they are, what their driver says, and how much is in them. */
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "./facts.ts";
import type { Parts } from "./parts.ts";
import type { Amount, DescribedVolume, ListedVolume } from "./volume.ts";

/** How much is in directories; one after the other's place. Undefined: it is not there any more. */
export interface Amounts {
	ofAll(paths: readonly string[], signal: AbortSignal): Promise<readonly (Amount | undefined)[]>;
}

/** What the driver says of a volume. */
interface Told {
	readonly status: ReadonlyMap<string, string>;
	/** Its content can be looked at. */
	readonly reachable: boolean;
}

/** A plugin may take a minute to answer; a list waits so long for it. */
const PATIENCE_MS = 3_000;

export class Descriptions {
	readonly #parts: Parts;
	readonly #amounts: Amounts;
	readonly #patienceMs: number;
	/** By the name of the volume: whoever asks meanwhile gets the same answer, so that no questions pile up. */
	readonly #asking = new Map<string, Promise<Told>>();

	constructor(parts: Parts, amounts: Amounts, patienceMs = PATIENCE_MS) {
		this.#parts = parts;
		this.#amounts = amounts;
		this.#patienceMs = patienceMs;
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
		const { mounting } = this.#parts;
		const place = mounting.mountpoint(volume);
		if (volume.backing === "directory")
			return { ...volume, place, status: new Map(), usage: undefined, reachable: true };
		return { ...volume, place, usage: undefined, ...(await this.#told(volume)) };
	}

	/** A plugin that is away, or slow, keeps nobody from seeing the volume, nor the others. */
	async #told(volume: ListedVolume): Promise<Told> {
		const { name } = volume;
		const asking = this.#asking.get(name) ?? this.#ask(volume).finally(() => this.#asking.delete(name));
		this.#asking.set(name, asking);
		const patience = new AbortController();
		const silent = failed(`it has not answered for ${this.#patienceMs / 1_000} s`);
		const late = sleep(this.#patienceMs, silent, { signal: patience.signal });
		try {
			return await Promise.race([asking, late]);
		} finally {
			patience.abort();
			late.catch(() => undefined);
		}
	}

	async #ask(volume: ListedVolume): Promise<Told> {
		const driver = this.#parts.drivers.get(volume.driver);
		try {
			const status = await driver.status(volume);
			return { status, reachable: !driver.needsMount(volume) || (await driver.isMounted(volume)) };
		} catch (error) {
			return failed(messageOf(error));
		}
	}
}

function failed(error: string): Told {
	return { status: new Map([["error", error]]), reachable: false };
}
