/** Mounts in processes that have ended: the kernel has dropped them, and the store follows. */
import { liveMountFact } from "./facts.ts";
import { LiveMountRecords, type StoredLiveMount } from "./live-mount-records.ts";
import type { Parts } from "./parts.ts";
import { VolumeRecords } from "./volume-records.ts";

/** Of one volume. */
export async function forgetEnded(parts: Parts, volume: string): Promise<void> {
	for (const live of new LiveMountRecords(parts.store).ofVolume(volume)) {
		if (live.state === "ACTIVE" && !(await isRunning(parts, live))) await forget(parts, live);
	}
}

export async function isRunning({ views }: Pick<Parts, "views">, { process }: StoredLiveMount): Promise<boolean> {
	return (await views.identify(process.pid))?.start === process.start;
}

/** The kernel has dropped it with its process. */
export async function forget({ store, mounting }: Parts, live: StoredLiveMount): Promise<void> {
	const rows = [new LiveMountRecords(store).delete(live.id), liveMountFact("ACTION_UNMOUNTED", live)];
	await store.write(rows, "volumed.live-mount.ended");
	const volume = new VolumeRecords(store).find(live.mount.volume);
	if (volume !== undefined) await mounting.settle(volume);
}
