/** What is in a volume, while it is read. */
import type { Snapshots } from "./kernel/snapshots.ts";
import { volumeFaults } from "./faults.ts";
import type { Parts } from "./parts.ts";
import type { VolumeName } from "./volume.ts";
import { VolumeRecords } from "./volume-records.ts";

export interface Content extends AsyncDisposable {
	readonly path: string;
	/** Nobody changes it: it is a snapshot. */
	readonly isStill: boolean;
	/** A sentence for each place of which the volume's own content is not what a container sees there. */
	readonly warnings: readonly string[];
}

export class Contents {
	readonly #parts: Parts;
	readonly #snapshots: Snapshots;
	readonly #volumes: VolumeRecords;

	constructor(parts: Parts, snapshots: Snapshots) {
		this.#parts = parts;
		this.#snapshots = snapshots;
		this.#volumes = new VolumeRecords(parts.store);
	}

	/** It is there, and stays, until it is disposed. A snapshot where there can be one, unless it is to be read live. */
	async hold(name: VolumeName, signal: AbortSignal, { isLive = false } = {}): Promise<Content> {
		const volume = this.#volumes.find(name);
		if (volume === undefined) throw volumeFaults.VOLUME_NOT_FOUND({ volume: name });
		await using held = new AsyncDisposableStack();
		const { path } = held.use(await this.#parts.mounting.hold(volume, signal));
		const snapshot = isLive ? undefined : await this.#snapshots.take(path);
		if (snapshot !== undefined) held.use(snapshot);
		const mounts = await this.#parts.disk.inside.mountsIn(path);
		const warnings = mounts.map((place) => `./${place}: something else is mounted there, and that was left out`);
		const kept = held.move();
		const end = (): Promise<void> => kept.disposeAsync();
		return { path: snapshot?.path ?? path, isStill: snapshot !== undefined, warnings, [Symbol.asyncDispose]: end };
	}
}
