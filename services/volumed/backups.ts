/** Backups: to a file that appears whole or not at all, or as a stream that ends with its result. */
import { randomBytes } from "node:crypto";
import { basename, dirname, join, resolve } from "node:path";
import { type Content, Contents } from "./contents.ts";
import type { ArchiveCounts } from "./counting.ts";
import { backupFact, failedFact, messageOf } from "./facts.ts";
import { volumeFaults } from "./faults.ts";
import type { ArchiveResult, BackupSpec, BackupTarget, DirectoryTarget, JobOutput } from "./job.ts";
import { identityOf, JobRecords } from "./job-records.ts";
import type { JobControl } from "./job-control.ts";
import type { JobIdentity } from "./jobs.ts";
import { joined } from "./joined.ts";
import { newArchiveName } from "./archive-names.ts";
import { PROGRESS_MS } from "./followed.ts";
import { ArchiveDirectory } from "./kernel/archive-directory.ts";
import { ArchiveFile, checkTarget, temporaryOf } from "./kernel/archive-file.ts";
import type { Archiver } from "./kernel/archiver.ts";
import type { Snapshots } from "./kernel/snapshots.ts";
import { type Moment, ownMoment, type Pausing } from "./moment.ts";
import { packed } from "./packing.ts";
import type { ArchiveTarget } from "./tree/archive-target.ts";
import type { Parts } from "./parts.ts";
import { retained } from "./retention.ts";
import { parseVolumeName } from "./volume.ts";
import { usableVolume } from "./volume-plan.ts";
import { MadeArchives } from "./made-archives.ts";
import { VolumeRecords } from "./volume-records.ts";

/** What one message of a stream holds. */
const CHUNK_BYTES = 256 * 1024;

/** Where an archive is to be on this host. */
interface File {
	readonly path: string;
	readonly overwrite: boolean;
}

/** A backup to a file, as it runs. */
export interface FileBackup {
	readonly spec: BackupSpec & { readonly target: Exclude<BackupTarget, { kind: "stream" }> };
	readonly file: File;
	readonly identity: JobIdentity;
	readonly control: JobControl;
	/** Undefined: its own, if somebody writes to the volume. */
	readonly moment?: Moment | undefined;
}

export interface BackupParts {
	readonly archiver: Archiver;
	readonly pauses: Pausing;
	readonly snapshots: Snapshots;
	readonly counts: ArchiveCounts;
}

export class Backups {
	readonly #parts: Parts;
	readonly #archiver: Archiver;
	readonly #pauses: Pausing;
	readonly #contents: Contents;
	readonly #counts: ArchiveCounts;
	/** Paths of archives that are on their way: another one of the same second has another name. */
	readonly #coming = new Set<string>();
	readonly #volumes: VolumeRecords;
	readonly #records: JobRecords;
	readonly #made: MadeArchives;

	constructor(parts: Parts, { archiver, pauses, snapshots, counts }: BackupParts) {
		this.#parts = parts;
		this.#pauses = pauses;
		this.#archiver = archiver;
		this.#contents = new Contents(parts, snapshots);
		this.#counts = counts;
		this.#volumes = new VolumeRecords(parts.store);
		this.#records = new JobRecords(parts.store);
		this.#made = new MadeArchives(parts.store);
	}

	/** Progress, then the result; the archive's bytes between when there is no path. Faults: as the contract says. */
	async *backup(spec: BackupSpec, signal: AbortSignal): AsyncGenerator<JobOutput> {
		const { jobs, turns } = this.#parts;
		const identity = identityOf("backup", spec);
		const { target } = spec;
		if (target.kind === "stream") {
			if (jobs.canJoin(identity)) throw volumeFaults.JOB_RUNNING({ requestId: spec.requestId });
			using control = await turns.take([spec.volume], async () => {
				await usableVolume(this.#parts, this.#volumes, spec.volume);
				return jobs.own(identity, signal);
			});
			yield* this.#streamed(spec, control);
			return;
		}
		const prepare = async () => {
			await usableVolume(this.#parts, this.#volumes, spec.volume);
			const file = await this.fileOf(spec, target, this.#parts.now());
			return (control: JobControl) => this.make({ spec: { ...spec, target }, file, identity, control });
		};
		yield* joined(this.#parts, identity, [spec.volume], prepare, signal);
	}

	/** The archive in its file, and older ones gone by the rules. Faults: as of `backup`; then nothing is left of it. */
	async make(backup: FileBackup): Promise<ArchiveResult> {
		const { target } = backup.spec;
		try {
			const result = await this.#toFile(backup);
			return target.kind === "file" ? result : await this.#thinOut(target, backup.identity, result);
		} finally {
			this.#coming.delete(backup.file.path);
		}
	}

	/**
	 * Refused is what can be seen beforehand; a date in its name is that of `now`. The name in a directory is this backup's until it has been
	 * made. Faults: INVALID_PATH, FILE_EXISTS.
	 */
	async fileOf({ volume, compression }: BackupSpec, target: FileBackup["spec"]["target"], now: number): Promise<File> {
		if (target.kind === "file") {
			await checkTarget(target.path, target.overwrite);
			return target;
		}
		const others = await new ArchiveDirectory(target.path, this.#parts.log).list(volume);
		const coming = [...this.#coming]
			.filter((path) => dirname(path) === resolve(target.path))
			.map((path) => basename(path));
		const names = [...others.map(({ name }) => name), ...coming];
		const name = newArchiveName({ volume, time: new Date(now), compression }, names);
		const path = join(target.path, name);
		this.#coming.add(path);
		try {
			await checkTarget(path, false);
		} catch (error) {
			this.#coming.delete(path);
			throw error;
		}
		return { path, overwrite: false };
	}

	/** The archive is there whatever becomes of the older ones: one that stays is told, and goes the next time. */
	async #thinOut(
		{ path, retention }: DirectoryTarget,
		identity: JobIdentity,
		result: ArchiveResult,
	): Promise<ArchiveResult> {
		let thinned: ArchiveResult;
		try {
			const directory = new ArchiveDirectory(path, this.#parts.log);
			const archives = await directory.list(parseVolumeName(result.volume));
			const { remove } = retained(archives, retention, basename(result.path));
			await directory.remove(remove);
			thinned = { ...result, removed: remove.map((archive) => archive.path) };
		} catch (error) {
			const warning = `older archives in ${path} are still there: ${messageOf(error)}`;
			thinned = { ...result, warnings: [...result.warnings, warning] };
		}
		await this.#parts.store.write([this.#records.amend(identity, thinned)], "volumed.backup.thinned");
		return thinned;
	}

	async *#streamed(spec: BackupSpec, control: JobControl): AsyncGenerator<JobOutput> {
		let result: ArchiveResult;
		await using content = await this.#contents.hold(spec.volume, control.signal);
		const archive = this.#packed(spec, content, control);
		try {
			let told = 0;
			for (;;) {
				const next = await archive.next();
				if (next.done === true) {
					result = next.value;
					break;
				}
				for (let at = 0; at < next.value.length; at += CHUNK_BYTES) {
					// Whoever sends it may do so later than it asks for the next one.
					yield { kind: "chunk", bytes: Buffer.from(next.value.subarray(at, at + CHUNK_BYTES)) };
				}
				if (performance.now() - told > PROGRESS_MS) {
					told = performance.now();
					yield { kind: "progress", progress: control.report() };
				}
			}
		} catch (error) {
			await this.#parts.store.write([failedFact(spec.volume, messageOf(error))]);
			throw error;
		} finally {
			await archive.return(undefined as never); // ends the archiver's work when the reader has gone; after its end it does nothing
		}
		const rows = [backupFact("ACTION_CREATED", result), this.#made.insert(result, this.#parts.now())];
		await this.#parts.store.write(rows, "volumed.backup.streamed");
		yield { kind: "progress", progress: control.report() };
		yield { kind: "result", result };
	}

	async #toFile({ spec, file: target, identity, control, moment }: FileBackup): Promise<ArchiveResult> {
		const { store, now } = this.#parts;
		const { path, overwrite } = target;
		const id = randomBytes(16).toString("hex");
		const temporary = temporaryOf(path, id);
		await store.write([this.#records.insert({ ...identity, id, path, temporary }, now())], "volumed.backup.began");
		let result: ArchiveResult;
		await using held = new AsyncDisposableStack();
		let archive: AsyncGenerator<Buffer, ArchiveResult> | undefined;
		try {
			// One that is to be of a moment with others is read live.
			const content = await this.#contents.hold(spec.volume, control.signal, { isLive: moment !== undefined });
			held.use(content);
			await using file = await ArchiveFile.create(path, temporary);
			archive = this.#packed(spec, content, control, { moment, target: file.target });
			// One buffer is written while the next one is made.
			let written = Promise.resolve();
			for (;;) {
				const next = await archive.next();
				await written;
				if (next.done === true) {
					result = { ...next.value, path };
					break;
				}
				written = file.write(next.value);
				written.catch(() => undefined); // it is awaited above, but for when the archive fails first
			}
			const sealed = await file.seal();
			control.signal.throwIfAborted();
			await store.write([this.#records.seal(id, sealed, result)], "volumed.backup.sealed");
			await file.publish(overwrite);
		} catch (error) {
			await store.write([this.#records.delete(id), failedFact(spec.volume, messageOf(error))], "volumed.backup.failed");
			throw error;
		} finally {
			await archive?.return(undefined as never); // as above
		}
		await store.write(
			[
				this.#records.delete(id),
				backupFact("ACTION_CREATED", result),
				this.#made.insert(result, now()),
				this.#records.answer(identity, result),
			],
			"volumed.backup.done",
		);
		return result;
	}

	#packed(
		spec: BackupSpec,
		content: Content,
		control: JobControl,
		{ moment: common, target }: { readonly moment?: Moment | undefined; readonly target?: ArchiveTarget } = {},
	): AsyncGenerator<Buffer, ArchiveResult> {
		const own = spec.pause && !content.isStill ? ownMoment(this.#pauses, spec.volume, control.signal) : undefined;
		const createdAt = new Date(this.#parts.now());
		const { include, exclude } = spec.patterns;
		// What patterns leave of it is known when it is packed.
		const counts = spec.count === true && include.length + exclude.length === 0 ? this.#counts : undefined;
		return packed({
			archiver: this.#archiver,
			content,
			spec,
			counts,
			moment: common ?? own,
			createdAt,
			control,
			target,
		});
	}
}
