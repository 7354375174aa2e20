/**
 * Where a restore writes to, and how that becomes the volume's content.
 *
 * Beside a plain directory, with which it is exchanged in one step; within any other content, and for a merge, from where it enters it entry
 * by entry. Then nobody can use the volume until that has ended: the store knows of it, and the next start goes on with what was cut off.
 */
import { volumeFaults } from "./faults.ts";
import type { Existing } from "./job.ts";
import { JobRecords } from "./job-records.ts";
import type { Preparing } from "./kernel/inner-stages.ts";
import type { Parts } from "./parts.ts";
import type { Destination } from "./tree/destination.ts";
import type { Volume, VolumeName } from "./volume.ts";

export interface Staging extends AsyncDisposable {
	/** An empty directory. */
	begin(): Promise<Destination>;
	/** All is written; what can be refused is. Answers what the stage is known by. Faults: DIRECTORY_IN_THE_WAY, DISK_FULL, KERNEL_REFUSED, STAGE_CHANGED. */
	prepare(implied: Preparing["implied"]): Promise<string>;
	/** It is the content, durably; `identity` is what `prepare` answered. Faults: DISK_FULL, KERNEL_REFUSED, STAGE_CHANGED. */
	commit(identity: string): Promise<void>;
	discard(): Promise<void>;
}

/** A plain directory alone can be exchanged, and only as a whole. */
export async function isInside({ disk }: Parts, { name, backing }: Volume, existing: Existing): Promise<boolean> {
	return backing !== "directory" || (existing === "merge" && (await disk.hasData(name)));
}

/**
 * Of a volume that nobody uses. Faults: CANNOT_RESTORE, VOLUME_NOT_EMPTY, VOLUME_DATA_MISSING, and those of mounting it, which it is for the
 * look.
 */
export async function refuseContent(
	parts: Parts,
	volume: Volume,
	existing: Existing,
	signal: AbortSignal,
): Promise<void> {
	const { disk, drivers, mounting } = parts;
	const { name } = volume;
	if (drivers.get(volume.driver).home(volume) === "memory")
		throw volumeFaults.CANNOT_RESTORE({ volume: name, problem: "it is in memory and empty whenever nobody uses it" });
	const hasData = mounting.needsMount(volume) || (await disk.hasData(name));
	const within = await isInside(parts, volume, existing);
	if (!hasData && within) throw volumeFaults.VOLUME_DATA_MISSING({ volume: name, path: disk.mountpoint(name) });
	if (!hasData || (existing === "replace" && !within)) return;
	await using hold = await mounting.hold(volume, signal);
	if (within && (await disk.inside.mountsIn(hold.path)).length > 0)
		throw volumeFaults.CANNOT_RESTORE({ volume: name, problem: `something else is mounted below ${hold.path}` });
	if (existing === "refuse" && !(await disk.isEmpty(hold.path))) throw volumeFaults.VOLUME_NOT_EMPTY({ volume: name });
}

export function besideStaging({ disk }: Parts, name: VolumeName, id: string): Staging {
	return {
		begin: async () => ({ root: await disk.stage(name, id), within: "" }),
		prepare: async () => (await disk.identity(name, id)) ?? "",
		commit: () => disk.commit(name, id),
		discard: () => disk.discard(name, id),
		[Symbol.asyncDispose]: async () => undefined,
	};
}

/** The volume is mounted until it is disposed. */
export async function insideStaging(
	{ disk, store, mounting }: Parts,
	volume: Volume,
	id: string,
	existing: Existing,
	signal: AbortSignal,
): Promise<Staging> {
	const { inside } = disk;
	const hold = await mounting.hold(volume, signal);
	const { path } = hold;
	return {
		begin: () => inside.begin(path, id),
		prepare: (implied) => inside.prepare(path, id, { entering: existing === "merge" ? "merge" : "replace", implied }),
		commit: async (seal) => {
			await inside.enter(path, id, seal);
			await store.write([new JobRecords(store).entered(id)], "volumed.restore.entered");
			await inside.discard(path, id);
		},
		discard: () => inside.discard(path, id),
		[Symbol.asyncDispose]: () => hold[Symbol.asyncDispose](),
	};
}
