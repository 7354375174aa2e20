/**
 * What a crash or a reboot left is brought to an end before the first request: the store and the disk then say the same. Mounts may
 * wait for servers, and are mended behind it (`mend-mounts.ts`).
 *
 * Containers that were paused go on. Jobs: a file or a content that had taken its place is a success, anything else never happened; what was
 * on its way into a content that may have to be mounted is ended behind it, too (`cut-off-restores.ts`). Volumes: a creation or an attachment
 * that nobody was answered about is taken back, a removal or another name is finished. Content without a row is never deleted: under a
 * volume's name it becomes a volume again (a lost store, a directory put back by hand), otherwise it goes to `.lost+found`. A row
 * without content stays and is refused where it would be used, so that an empty directory never passes for it; one that a power cut took
 * in the moment in which it was made is made again.
 */
import { Activation } from "./activation.ts";
import { AttachmentRecords } from "./attachment-records.ts";
import { CUT_OFF, type CutOffRestores } from "./cut-off-restores.ts";
import { backupFact, failedFact, volumeFact } from "./facts.ts";
import { restored } from "./fillings.ts";
import { MadeArchives } from "./made-archives.ts";
import { JobRecords, type StoredJob } from "./job-records.ts";
import { fileIdentity, removeTemporary } from "./kernel/archive-file.ts";
import type { Observed } from "./kernel/disk.ts";
import type { LiveMounts } from "./live-mounts.ts";
import type { Parts } from "./parts.ts";
import type { Pauses } from "./pauses.ts";
import { parseVolumeName, plainVolume, type VolumeName } from "./volume.ts";
import { VolumeRecords } from "./volume-records.ts";
import type { Volumes } from "./volumes.ts";

export interface Mended {
	readonly volumes: Volumes;
	readonly liveMounts: LiveMounts;
	readonly pauses: Pauses;
	readonly cutOff: CutOffRestores;
}

/** At the start, before the first request. */
export async function reconcile(parts: Parts, mended: Mended): Promise<void> {
	const { store, disk, log } = parts;
	// Before all else: containers stand still.
	await mended.pauses.mend();
	const records = new VolumeRecords(store);
	const jobs = new JobRecords(store);
	for (const job of jobs.all()) await settle(job, parts, records, mended.cutOff);
	await mended.liveMounts.mend();
	await undoPending(parts);
	const undone = await undoCreating(parts, mended.volumes, records);
	for (const { name, newName } of records.unfinished())
		if (newName !== undefined) await endRename(parts, records, name, newName);
	// A plugin that is away is asked again by the mender, or by whoever removes the volume again.
	await mended.volumes.finishRemovals();
	for (const name of records.gone()) await disk.remove(name);
	await compareDisk(parts, records);
	await mended.volumes.settleDisk();
	log.info("reconciled", { undone });
	// In the background, for it may take long; the disk says in the log what stays.
	void disk.sweep();
}

/** Attachments that nobody was answered about. */
async function undoPending(parts: Parts): Promise<void> {
	const records = new AttachmentRecords(parts.store);
	const activation = new Activation(parts);
	for (const attachment of records.pending()) {
		await activation.takeBack(attachment);
		await parts.store.write([records.delete(attachment.id)], "volumed.reconcile.detached");
		await activation.settle(attachment.mounts).catch((error: unknown) => {
			parts.log.warn("what was mounted for an attachment stays", { id: attachment.id, err: error });
		});
	}
}

async function undoCreating({ store, log }: Parts, volumes: Volumes, records: VolumeRecords): Promise<number> {
	const creating = records.unfinished().filter(({ state }) => state === "CREATING");
	for (const volume of creating) {
		// A plugin that is away is asked again at the next start.
		try {
			await volumes.removeContent(volume);
		} catch (error) {
			log.warn("a volume that was being made could not be taken back", { name: volume.name, err: error });
			continue;
		}
		await store.write([records.delete(volume.name)], "volumed.reconcile.undone");
	}
	return creating.length;
}

/** It goes the way that the content has gone. */
async function endRename(
	{ store, disk }: Parts,
	records: VolumeRecords,
	name: VolumeName,
	newName: VolumeName,
): Promise<void> {
	const hasMoved = !(await disk.hasData(name)) && (await disk.hasData(newName));
	const volume = records.find(name);
	if (volume === undefined) return;
	const fact = volumeFact("ACTION_RENAMED", { ...volume, name: newName }, { oldName: name });
	const rows = hasMoved ? [records.renamed(name), fact] : [records.setNewName(name, undefined)];
	await store.write(rows, "volumed.reconcile.renamed");
}

async function compareDisk(parts: Parts, records: VolumeRecords): Promise<void> {
	const { disk, drivers, log } = parts;
	const rows = new Map(records.all().map((volume) => [volume.name as string, volume]));
	for (const observed of await disk.observe()) {
		const { name, hasData, stages } = observed;
		for (const stage of stages) await disk.discard(name, stage);
		if (rows.delete(name) && hasData) continue;
		const volume = records.find(name);
		if (volume === undefined) await placeNobodys(parts, records, observed);
		else rows.set(name, volume);
	}
	for (const volume of rows.values()) {
		const { name, state } = volume;
		const driver = drivers.get(volume.driver);
		if (state !== "ACTIVE" || driver.mountpoint(volume) === undefined || (await disk.hasData(name))) continue;
		// A removal that was never answered put it out of sight; or a power cut came in the moment in which it was made.
		if (await disk.recover(name)) log.warn("a removal that was cut off was taken back", { name });
		else if (!volume.synced) await driver.create(volume, AbortSignal.timeout(60_000));
		else log.error("the content of a volume is gone", { name });
	}
}

/** What lies among the volumes and is in no row. */
async function placeNobodys(
	{ store, disk, log, now }: Parts,
	records: VolumeRecords,
	{ name, hasData }: Observed,
): Promise<void> {
	if (await disk.removeEmpty(name)) return;
	const adopted = hasData ? volumeNamed(name) : undefined;
	if (adopted === undefined) {
		log.warn("what is no volume was set aside", { name, path: await disk.setAside(name) });
		return;
	}
	const volume = plainVolume(adopted, now());
	await store.write([records.insert(volume, "ACTIVE", false), volumeFact("ACTION_CREATED", volume)]);
	log.warn("a directory without a record is a volume again", { name });
}

async function settle(
	job: StoredJob,
	{ store, disk, now }: Parts,
	records: VolumeRecords,
	cutOff: CutOffRestores,
): Promise<void> {
	const jobs = new JobRecords(store);
	const { id, kind, volume: name, sealed, path, temporary } = job;
	// Into one that was being made: it goes with that.
	if (job.isInside && records.find(name)?.state === "ACTIVE") return cutOff.keep(name);
	const there = kind === "backup" ? await fileIdentity(path) : await disk.identity(name);
	if (kind === "backup") await removeTemporary(temporary);
	if (job.isInside || sealed === undefined || sealed.identity !== there) {
		await store.write([jobs.delete(id), failedFact(name, CUT_OFF)], "volumed.reconcile.failed");
		return;
	}
	const { result } = sealed;
	if (kind === "backup") {
		const made = new MadeArchives(store).insert(result, now());
		const fact = backupFact("ACTION_CREATED", result);
		await store.write([jobs.delete(id), fact, made, jobs.answer(job, result)]);
		return;
	}
	const volume = records.find(name);
	const created = volume?.state === "CREATING" ? volume : undefined;
	await store.write(restored(store, job, created, result), "volumed.reconcile.restored");
}

function volumeNamed(name: string): VolumeName | undefined {
	try {
		return parseVolumeName(name);
	} catch {
		return undefined;
	}
}
