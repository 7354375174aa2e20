/**
 * Backups, restores, clones and verifications that run: which volumes they keep busy, and who follows them.
 *
 * A job that writes to or reads from a file belongs to its request id: whoever comes with the same one joins it. When its last
 * follower has gone it is cancelled. One whose bytes go to or come from a caller is that caller's alone.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { abortable } from "#lib/concurrency/abortable.ts";
import { rpcFaults } from "#lib/rpc/faults.ts";
import { volumeFaults } from "./faults.ts";
import { Followed, PROGRESS_MS } from "./followed.ts";
import type { Told } from "./job.ts";
import { JobControl } from "./job-control.ts";

export type JobKind = "backup" | "restore" | "clone" | "verification";

export interface JobIdentity {
	readonly kind: JobKind;
	/** Of a clone the one that is filled; of a verification that is of none empty. */
	readonly volume: string;
	readonly requestId: string;
	/** What was asked, digested: the same id with another asking is refused. */
	readonly bodyHash: string;
}

interface Running extends JobIdentity {
	readonly control: JobControl;
	readonly over: PromiseWithResolvers<void>;
	/** Undefined: it cannot be joined. */
	readonly followed: Followed<object> | undefined;
}

/** What puts something in the place of a volume's content. */
const FILLING: readonly JobKind[] = ["restore", "clone"];

/** The request's own, or one volume's of a run (running-backups.ts). */
function isOf(requestId: string, job: JobIdentity): boolean {
	return job.requestId.split("\n")[0] === requestId;
}

/** Fault: REQUEST_ID_REUSED when another thing was asked with the same id; `known` is what that was, digested. */
export function refuseReused(
	{ method, requestId, bodyHash }: { readonly method: string; readonly requestId: string; readonly bodyHash: string },
	known: string,
): void {
	if (known !== bodyHash) throw rpcFaults.REQUEST_ID_REUSED({ method, requestId });
}

/** Progress of one's own work, then its result. */
export async function* told<R>(running: Promise<R>, control: JobControl): AsyncGenerator<Told<R>> {
	const over = running.then(
		() => true,
		() => true,
	);
	for (;;) {
		const isOver = await Promise.race([over, sleep(PROGRESS_MS, false)]);
		yield { kind: "progress", progress: control.report() };
		if (isOver) break;
	}
	yield { kind: "result", result: await running };
}

export class Jobs {
	readonly #running = new Set<Running>();
	/** Names of volumes. */
	readonly #kept = new Set<string>();

	/** Fault: VOLUME_BUSY when a job runs on the volume, or one that was cut off is to be ended. */
	refuseBusy(volume: string): void {
		this.refuseRunning(volume);
		if (this.#kept.has(volume)) throw volumeFaults.VOLUME_BUSY({ volume, job: "restore" });
	}

	/** Fault: VOLUME_BUSY when the volume's content is not to be seen, for something is to take its place. */
	refuseFilling(volume: string): void {
		this.refuseRunning(volume, FILLING);
		if (this.#kept.has(volume)) throw volumeFaults.VOLUME_BUSY({ volume, job: "restore" });
	}

	/** Fault: VOLUME_BUSY when a job of these kinds, or of any, runs on the volume. */
	refuseRunning(volume: string, kinds?: readonly JobKind[]): void {
		for (const job of this.#running) {
			if (job.volume === volume && (kinds?.includes(job.kind) ?? true)) {
				throw volumeFaults.VOLUME_BUSY({ volume, job: job.kind });
			}
		}
	}

	isBusy(volume: string): boolean {
		return this.#kept.has(volume) || [...this.#running].some((job) => job.volume === volume);
	}

	/** Keeps a volume from everybody, for a job of it was cut off. Idempotent, as `letGo`. */
	keep(volume: string): void {
		this.#kept.add(volume);
	}

	isKept(volume: string): boolean {
		return this.#kept.has(volume);
	}

	letGo(volume: string): void {
		this.#kept.delete(volume);
	}

	/** True when the request runs and can be joined. Faults: REQUEST_ID_REUSED, JOB_RUNNING. */
	canJoin({ kind, requestId, bodyHash }: JobIdentity): boolean {
		const job = this.#find(kind, requestId);
		if (job === undefined) return false;
		refuseReused({ method: kind, requestId, bodyHash }, job.bodyHash);
		if (job.followed === undefined) throw volumeFaults.JOB_RUNNING({ requestId });
		return true;
	}

	/** Begins a job that can be joined; it runs as long as somebody follows it. Call without waiting after the checks that allow it. */
	begin<R extends object>(identity: JobIdentity, body: (control: JobControl) => Promise<R>): void {
		const abort = new AbortController();
		const control = new JobControl(abort.signal);
		const result = body(control).finally(() => this.#end(job));
		const job = this.#add({ ...identity, control, followed: new Followed(identity.kind, result, abort) });
	}

	/** Marks the volume busy for a caller's own job, until it is disposed. */
	own(identity: JobIdentity, signal: AbortSignal): JobControl & Disposable {
		const control = new JobControl(signal);
		const job = this.#add({ ...identity, control, followed: undefined });
		return Object.assign(control, { [Symbol.dispose]: () => this.#end(job) });
	}

	/** Resolves when nothing of the request runs any more, and what had been begun is gone. Fault: the signal's reason. */
	async ended(requestId: string, signal: AbortSignal): Promise<void> {
		for (const { over } of [...this.#running].filter((job) => isOf(requestId, job))) {
			await abortable(over.promise, signal);
		}
	}

	/** Progress, then the result, which is what jobs of this kind come to. */
	async *follow<R extends object>({ kind, requestId }: JobIdentity, signal: AbortSignal): AsyncGenerator<Told<R>> {
		const job = this.#find(kind, requestId);
		if (job?.followed === undefined) throw new Error(`no ${kind} of the request ${requestId} can be followed`);
		const { control } = job;
		for await (const result of job.followed.follow(signal)) {
			yield { kind: "progress", progress: control.report() };
			if (result !== undefined) yield { kind: "result", result: result as R }; // of a job of the same kind
		}
	}

	#add(job: Omit<Running, "over">): Running {
		const running = { ...job, over: Promise.withResolvers<void>() };
		this.#running.add(running);
		return running;
	}

	#end(job: Running): void {
		this.#running.delete(job);
		job.over.resolve();
	}

	#find(kind: JobKind, requestId: string): Running | undefined {
		return [...this.#running].find((job) => job.kind === kind && job.requestId === requestId);
	}
}
