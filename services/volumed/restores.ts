/**
 * Restores: an archive becomes a volume's content in one step, after all of it was written beside it and verified.
 *
 * Until that step the volume is as it was, whatever fails and whoever is killed.
 */
import { randomBytes } from "node:crypto";
import { Undo } from "#lib/concurrency/undo.ts";
import type { Statement } from "#lib/store/store.ts";
import { rpcFaults } from "#lib/rpc/faults.ts";
import { backupFact, failedFact, messageOf, volumeFact } from "./facts.ts";
import { volumeFaults } from "./faults.ts";
import type { ArchiveResult, JobOutput, RestoreSpec } from "./job.ts";
import { identityOf, JobRecords } from "./job-records.ts";
import type { JobControl } from "./job-control.ts";
import { type JobIdentity, told } from "./jobs.ts";
import { bytesOf, openArchive } from "./kernel/archive-file.ts";
import type { Archiver } from "./kernel/archiver.ts";
import { unpack } from "./unpacking.ts";
import type { Parts } from "./parts.ts";
import { Uses, usersText } from "./uses.ts";
import { plainVolume, type Volume } from "./volume.ts";
import { VolumeRecords } from "./volume-records.ts";

export class Restores {
	readonly #parts: Parts;
	readonly #archiver: Archiver;
	readonly #volumes: VolumeRecords;
	readonly #records: JobRecords;

	constructor(parts: Parts, archiver: Archiver) {
		this.#parts = parts;
		this.#archiver = archiver;
		this.#volumes = new VolumeRecords(parts.store);
		this.#records = new JobRecords(parts.store);
	}

	/** Progress, then the result. `sent` is read when the specification names no path. Faults: as the contract says. */
	async *restore(spec: RestoreSpec, sent: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<JobOutput> {
		const { jobs, turns } = this.#parts;
		const identity = identityOf("restore", spec);
		const kept = this.#records.findAnswer("restore", spec.requestId);
		if (kept !== undefined) {
			if (kept.bodyHash !== identity.bodyHash)
				throw rpcFaults.REQUEST_ID_REUSED({ method: "restore", requestId: spec.requestId });
			yield { kind: "result", result: kept.result };
			return;
		}
		const { path } = spec;
		if (path !== undefined) {
			await turns.take([spec.volume], async () => {
				if (jobs.canJoin(identity)) return;
				await using opened = new AsyncDisposableStack();
				const archive = opened.use(await openArchive(path));
				await this.#check(spec);
				const held = opened.move();
				jobs.begin(identity, async (control) => {
					await using _ = held;
					return await this.#run(spec, bytesOf(archive), identity, control);
				});
			});
			yield* jobs.follow(identity, signal);
			return;
		}
		if (jobs.canJoin(identity)) throw volumeFaults.JOB_RUNNING({ requestId: spec.requestId });
		using control = await turns.take([spec.volume], async () => {
			await this.#check(spec);
			return jobs.own(identity, signal);
		});
		yield* told(this.#run(spec, sent, identity, control), control);
	}

	async #check(spec: RestoreSpec): Promise<void> {
		const { jobs, disk } = this.#parts;
		const volume = this.#volumes.find(spec.volume);
		if (volume === undefined) {
			if (spec.create) return;
			throw volumeFaults.VOLUME_NOT_FOUND({ volume: spec.volume });
		}
		if (volume.state !== "ACTIVE") throw volumeFaults.VOLUME_BUSY({ volume: spec.volume, job: "removal" });
		const users = new Uses(this.#parts.store).of(spec.volume);
		if (users.length > 0) throw volumeFaults.VOLUME_IN_USE({ volume: spec.volume, containers: usersText(users) });
		jobs.refuseBusy(spec.volume);
		const { driver, backing } = volume;
		if (backing !== "directory") throw volumeFaults.CANNOT_RESTORE({ volume: spec.volume, driver });
		if (spec.replace || !(await disk.hasData(spec.volume))) return;
		if (!(await disk.isEmpty(disk.mountpoint(spec.volume))))
			throw volumeFaults.VOLUME_NOT_EMPTY({ volume: spec.volume });
	}

	async #run(
		spec: RestoreSpec,
		source: AsyncIterable<Buffer>,
		identity: JobIdentity,
		control: JobControl,
	): Promise<ArchiveResult> {
		const { store, disk, now } = this.#parts;
		const id = randomBytes(16).toString("hex");
		const name = spec.volume;
		const created = this.#volumes.find(name) === undefined ? plainVolume(name, now()) : undefined;
		await store.write(
			[
				this.#records.insert({ ...identity, id, path: "", temporary: "" }, now()),
				...(created ? [this.#volumes.insert(created, "CREATING", false)] : []),
			],
			"volumed.restore.began",
		);
		let result: ArchiveResult;
		try {
			await using undo = new Undo({}, this.#parts.log);
			undo.defer(() => disk.discard(name, id));
			if (created) undo.defer(() => this.#removeMade(name));
			const path = await disk.stage(name, id);
			const isOwn = (sha256: string): boolean => this.#records.isMade(sha256);
			result = await unpack({ archiver: this.#archiver, path, spec, source, control, isOwn });
			const stage = await disk.identity(name, id);
			control.signal.throwIfAborted();
			await store.write([this.#records.seal(id, stage ?? "", result)], "volumed.restore.sealed");
			await disk.commit(name, id);
			undo.done();
		} catch (error) {
			const rows = created ? [this.#volumes.delete(name)] : [];
			await store.write(
				[this.#records.delete(id), ...rows, failedFact(name, messageOf(error))],
				"volumed.restore.failed",
			);
			throw error;
		}
		await store.write(
			restored(this.#records, this.#volumes, { ...identity, id }, created, result),
			"volumed.restore.done",
		);
		return result;
	}

	async #removeMade(name: string): Promise<void> {
		await this.#parts.disk.remove(name);
		await this.#parts.disk.bury(name);
	}
}

/** What makes a restore true in the store, once its content is in place. */
export function restored(
	records: JobRecords,
	volumes: VolumeRecords,
	job: JobIdentity & { readonly id: string },
	created: Volume | undefined,
	result: ArchiveResult,
): Statement[] {
	return [
		records.delete(job.id),
		...(created ? [volumes.setState(job.volume, "ACTIVE"), volumeFact("ACTION_CREATED", created)] : []),
		volumes.touched(job.volume),
		backupFact("ACTION_RESTORED", result),
		records.answer(job, result),
	];
}
