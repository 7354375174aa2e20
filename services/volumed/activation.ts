/**
 * Making an attachment's mounts ready: volumes are mounted, directories that binds want are made, parts of volumes and mapped owners
 * get a place of their own. Taking that back needs nothing but the attachment.
 */
import { volumeFaults } from "./faults.ts";
import type { Attachment, ResolvedMount } from "./attachment.ts";
import type { Parts } from "./parts.ts";
import { refuseUnusable } from "./volume-plan.ts";
import { type StoredVolume, VolumeRecords } from "./volume-records.ts";

export class Activation {
	readonly #parts: Parts;
	readonly #volumes: VolumeRecords;

	constructor(parts: Parts) {
		this.#parts = parts;
		this.#volumes = new VolumeRecords(parts.store);
	}

	/** False: there is nothing to be made ready, and nothing to be taken back. */
	needsWork({ mounts }: Pick<Attachment, "mounts">): boolean {
		return mounts.some(({ view }) => view !== undefined) || this.#mounted(mounts).length > 0;
	}

	/**
	 * Idempotent. Gives the mounts as they are now: a plugin says only when it mounts where the content is.
	 * The attachment is stored as active before, so that what is mounted here stays. Faults: as `ActivateAttachment` says.
	 */
	async make({ id, mounts }: Pick<Attachment, "id" | "mounts">, signal: AbortSignal): Promise<ResolvedMount[]> {
		const { mounting, views } = this.#parts;
		await this.#makeSources(mounts);
		await using holds = new AsyncDisposableStack();
		const paths = new Map<string, string>();
		for (const volume of this.#volumesOf(mounts)) {
			const hold = holds.use(await mounting.hold(volume, signal));
			paths.set(volume.name, hold.path);
		}
		const placed = mounts.map((mount) => placedAt(mount, paths.get(mount.volume) ?? mount.origin));
		for (const { origin, relabel } of placed)
			if (relabel !== undefined) await this.#parts.host.relabel(origin, relabel);
		for (const [index, { view }] of placed.entries()) {
			if (view !== undefined) await views.prepare(placeOf(id, index), view);
		}
		return placed;
	}

	/** Faults: VOLUME_BUSY, VOLUME_DATA_MISSING. */
	async refuseUnusable({ mounts }: Pick<Attachment, "mounts">): Promise<void> {
		for (const volume of this.#volumesOf(mounts)) await refuseUnusable(this.#parts, volume);
	}

	/** The views go; the volumes are settled once the store says that the attachment is not active. */
	async takeBack({ id, mounts }: Pick<Attachment, "id" | "mounts">): Promise<void> {
		if (mounts.some(({ view }) => view !== undefined)) await this.#parts.views.discard(id);
	}

	async settle(mounts: readonly ResolvedMount[]): Promise<void> {
		for (const volume of this.#mounted(mounts)) await this.#parts.mounting.settle(volume);
	}

	/** As it was when they were attached, or made again where that was asked for. */
	async #makeSources(mounts: readonly ResolvedMount[]): Promise<void> {
		const { host } = this.#parts;
		for (const { volume, type, origin, create } of mounts) {
			if (volume !== "" || type !== "bind" || (await host.exists(origin))) continue;
			if (!create) throw volumeFaults.SOURCE_NOT_FOUND({ path: origin }, { field: "mounts" });
			await host.makeDirectory(origin);
		}
	}

	#volumesOf(mounts: readonly ResolvedMount[]): StoredVolume[] {
		const names = new Set(mounts.map(({ volume }) => volume).filter((name) => name !== ""));
		return [...names].map((name) => this.#volumes.find(name)).filter((volume) => volume !== undefined);
	}

	#mounted(mounts: readonly ResolvedMount[]): StoredVolume[] {
		return this.#volumesOf(mounts).filter((volume) => this.#parts.mounting.needsMount(volume));
	}
}

/** The id of a view. */
export function placeOf(attachment: string, index: number): string {
	return `${attachment}/${index}`;
}

function placedAt(mount: ResolvedMount, origin: string): ResolvedMount {
	if (origin === mount.origin) return mount;
	if (mount.view === undefined) return { ...mount, origin, source: origin };
	return { ...mount, origin, view: { ...mount.view, origin } };
}
