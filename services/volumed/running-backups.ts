/**
 * A run of backups of several volumes, followed by any number of callers: what keeps one volume from being archived is told, and keeps
 * no other one from it.
 */
import { Fault } from "#lib/fault/fault.ts";
import {
	endOf,
	type BackupRunSpec,
	type Outcome,
	type PausedVolumes,
	type RunOutput,
	type RunRecord,
} from "./backup-run.ts";
import { BackupRunRecords, type RunIdentity } from "./backup-run-records.ts";
import type { Backups, FileBackup } from "./backups.ts";
import { messageOf } from "./facts.ts";
import { Followed } from "./followed.ts";
import type { ArchiveResult } from "./job.ts";
import { identityOf, JobRecords } from "./job-records.ts";
import type { JobControl } from "./job-control.ts";
import type { JobIdentity } from "./jobs.ts";
import { CommonMoment, type Moment, type Pausing } from "./moment.ts";
import type { Parts } from "./parts.ts";
import { usableVolume } from "./volume-plan.ts";
import { VolumeRecords } from "./volume-records.ts";

/** Each of them has two threads until their common time has come. */
const MOST_AT_ONE_TIME = 4;

/** One volume of the run; it is busy until it is disposed. */
interface Member {
	readonly spec: FileBackup["spec"] & Pick<BackupRunSpec, "target">;
	readonly identity: JobIdentity;
	readonly control: JobControl & Disposable;
}

export interface RunParts {
	readonly parts: Parts;
	readonly backups: Backups;
	readonly pauses: Pausing;
}

export class RunningBackups {
	readonly identity: RunIdentity;
	readonly #parts: RunParts;
	/** In the names of all of its archives. */
	readonly #beganAt: number;
	readonly #members: readonly Member[];
	readonly #outcomes: Outcome[] = [];
	readonly #moments: PausedVolumes[] = [];
	readonly #abort = new AbortController();
	readonly #followed: Followed<RunRecord>;
	#current: Member | undefined;
	#position = 0;

	/** Begins at once, and runs as long as it is followed; `ended` is called at its end, however it ends. */
	constructor(parts: RunParts, spec: BackupRunSpec, identity: RunIdentity, ended: () => void) {
		const { jobs, now } = parts.parts;
		this.#parts = parts;
		this.identity = identity;
		this.#beganAt = now();
		this.#members = membersOf(spec).map((one) => {
			const identity = identityOf("backup", one);
			return { spec: one, identity, control: jobs.own(identity, this.#abort.signal) };
		});
		this.#followed = new Followed("backups", this.#run(spec.pause).finally(ended), this.#abort);
	}

	/** Progress, and what became of each volume, from the first one; the end. Fault: the signal's reason. */
	async *follow(signal: AbortSignal): AsyncGenerator<RunOutput> {
		let told = 0;
		for await (const record of this.#followed.follow(signal)) {
			yield* this.#progress();
			for (const outcome of this.#outcomes.slice(told)) yield outcome;
			told = this.#outcomes.length;
			if (record !== undefined) yield endOf(record);
		}
	}

	*#progress(): Generator<RunOutput> {
		if (this.#current === undefined) return;
		const { spec, control } = this.#current;
		const { volume } = spec;
		const [position, count] = [this.#position, this.#members.length];
		yield { kind: "progress", progress: { volume, position, count, progress: control.report() } };
	}

	async #run(pause: boolean): Promise<RunRecord> {
		const { parts, pauses } = this.#parts;
		using busy = new DisposableStack();
		for (const { control } of this.#members) busy.use(control);
		const live = this.#members.filter(({ spec }) => pause && pauses.concern([spec.volume]));
		for (let at = 0; at < live.length; at += MOST_AT_ONE_TIME) {
			await this.#together(live.slice(at, at + MOST_AT_ONE_TIME));
		}
		for (const member of this.#members) if (!live.includes(member)) await this.#one(member);
		const record = { outcomes: this.#outcomes, moments: this.#moments };
		await parts.store.intend([new BackupRunRecords(parts.store).keep(this.identity, record)], "volumed.backup.run");
		return record;
	}

	/** Read one after the other, then of one time. */
	async #together(members: readonly Member[]): Promise<void> {
		const volumes = members.map(({ spec }) => spec.volume);
		const moment = new CommonMoment(this.#parts.pauses, volumes, this.#abort.signal);
		const running: Promise<ArchiveResult | undefined>[] = [];
		for (const member of members) {
			const { volume } = member.spec;
			const one = this.#one(member, moment.of(volume)).finally(() => moment.leave(volume));
			one.catch(() => undefined); // it is awaited below
			running.push(one);
			await moment.read(volume);
		}
		await Promise.allSettled(running);
		const results = (await Promise.all(running)).filter((result) => result !== undefined);
		const [first] = results;
		if (first === undefined || first.paused.length === 0) return;
		const { paused, pausedMs } = first;
		this.#moments.push({ volumes: results.map(({ volume }) => volume), paused, pausedMs });
	}

	/** Undefined: it failed, which is told. Fault: the reason for which all of it was given up. */
	async #one(member: Member, moment?: Moment): Promise<ArchiveResult | undefined> {
		const { signal } = this.#abort;
		using _ = member.control;
		signal.throwIfAborted();
		this.#current = member;
		member.control.begins();
		this.#position += 1;
		try {
			const result = await this.#made(member, moment);
			this.#outcomes.push({ kind: "done", result });
			return result;
		} catch (error) {
			signal.throwIfAborted();
			this.#outcomes.push(this.#failed(member.spec.volume, error));
			return undefined;
		}
	}

	async #made(member: Member, moment: Moment | undefined): Promise<ArchiveResult> {
		const { parts, backups } = this.#parts;
		const { spec, identity } = member;
		// By a run that volumed was killed in.
		const kept = new JobRecords(parts.store).findAnswer("backup", spec.requestId);
		if (kept !== undefined) return kept.result;
		await usableVolume(parts, new VolumeRecords(parts.store), spec.volume);
		const file = await backups.fileOf(spec, spec.target, this.#beganAt);
		return await backups.make({ ...member, spec, identity, file, moment });
	}

	#failed(volume: string, error: unknown): Outcome {
		const { log } = this.#parts.parts;
		if (error instanceof Fault) return { kind: "failed", volume, reason: error.reason, message: error.message };
		log.error("a backup of several came upon a bug", { volume, err: error });
		return { kind: "failed", volume, reason: "INTERNAL", message: messageOf(error) };
	}
}

/** Each has a request id of its own, which no client can have: a newline is in none of theirs. */
function membersOf({ volumes, ...rest }: BackupRunSpec): (FileBackup["spec"] & Pick<BackupRunSpec, "target">)[] {
	return volumes.map((volume) => ({ ...rest, volume, requestId: `${rest.requestId}\n${volume}` }));
}
