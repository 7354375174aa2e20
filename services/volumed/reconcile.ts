/**
 * What a crash left is brought to an end before the first request: the store and the disk then say the same.
 *
 * Jobs: a file or a content that had taken its place is a success, anything else never happened. Volumes: a creation that nobody
 * was answered is taken back, a removal is finished. Content without a row is never deleted: under a volume's name it becomes a
 * volume again (a lost store, a directory put back by hand), otherwise it goes to `.lost+found`. A row without content stays and
 * is refused where it would be used, so that an empty directory never passes for it.
 */
import type { Log } from "#lib/log/log.ts";
import { backupFact, failedFact, volumeFact } from "./facts.ts";
import { JobRecords, type StoredJob } from "./job-records.ts";
import { fileIdentity, removeTemporary } from "./kernel/archive-file.ts";
import { restored } from "./restores.ts";
import { LOCAL, parseVolumeName, type VolumeName } from "./volume.ts";
import { VolumeRecords } from "./volume-records.ts";
import { newVolume, type Parts, type Volumes } from "./volumes.ts";

const CUT_OFF = "volumed ended before it was done.";

export async function reconcile(parts: Parts, volumes: Volumes, log: Log): Promise<void> {
	const { store, disk, now } = parts;
	const records = new VolumeRecords(store);
	const jobs = new JobRecords(store);
	for (const job of jobs.all()) await settle(job, jobs, parts, records);

	const creating = records.all().filter(({ state }) => state === "CREATING");
	for (const { name } of creating) {
		await disk.remove(name);
		await store.write([records.delete(name)], "volumed.reconcile.undone");
	}
	await volumes.finishDelete(records.all().filter(({ state }) => state === "DELETING"));

	const rows = new Map(records.all().map((volume) => [volume.name as string, volume]));
	for (const { name, hasData, stages } of await disk.observe()) {
		for (const stage of stages) await disk.discard(name, stage);
		if (rows.delete(name) && hasData) continue;
		const adopted = hasData ? volumeNamed(name) : undefined;
		if (adopted !== undefined) {
			const volume = newVolume({ name: adopted, driver: LOCAL, options: new Map(), labels: new Map() }, now());
			await store.write([records.insert(volume, "ACTIVE", false), volumeFact("ACTION_CREATED", volume)]);
			log.warn("a directory without a record is a volume again", { name });
		} else if (records.find(name) === undefined) {
			log.warn("what is no volume was set aside", { name, path: await disk.setAside(name) });
		} else {
			log.error("the content of a volume is gone", { name });
		}
	}
	for (const name of rows.keys()) log.error("the content of a volume is gone", { name });
	log.info("reconciled", { undone: creating.length });
	// In the background, for it may take long; the disk says in the log what stays.
	void disk.sweep();
}

async function settle(job: StoredJob, jobs: JobRecords, { store, disk }: Parts, records: VolumeRecords): Promise<void> {
	const { id, kind, volume: name, sealed, path, temporary } = job;
	const there = kind === "backup" ? await fileIdentity(path) : await disk.identity(name);
	if (kind === "backup") await removeTemporary(temporary);
	if (sealed === undefined || sealed.identity !== there) {
		await store.write([jobs.delete(id), failedFact(name, CUT_OFF)], "volumed.reconcile.failed");
		return;
	}
	const { result } = sealed;
	if (kind === "backup") {
		await store.write([jobs.delete(id), backupFact("ACTION_CREATED", result), jobs.answer(job, result)]);
		return;
	}
	const volume = records.find(name);
	const created = volume?.state === "CREATING" ? volume : undefined;
	await store.write(restored(jobs, records, job, created, result), "volumed.reconcile.restored");
}

function volumeNamed(name: string): VolumeName | undefined {
	try {
		return parseVolumeName(name);
	} catch {
		return undefined;
	}
}
