/**
 * Requests for jobs that others may join: the one that came first begins it, later ones of the same id follow it, and those that come after its
 * end get its answer again.
 */
import type { Told } from "./job.ts";
import { JobRecords } from "./job-records.ts";
import type { JobControl } from "./job-control.ts";
import { type JobIdentity, refuseReused } from "./jobs.ts";
import type { Parts } from "./parts.ts";

/**
 * Progress, then the result. `prepare` comes under the turn of the names, refuses what it can, and answers the job's body. Faults:
 * REQUEST_ID_REUSED, JOB_RUNNING, and those of both.
 */
export async function* joined<R extends object>(
	{ store, turns, jobs }: Parts,
	identity: JobIdentity,
	names: readonly string[],
	prepare: () => Promise<(control: JobControl) => Promise<R>>,
	signal: AbortSignal,
): AsyncGenerator<Told<R>> {
	let kept: R | undefined;
	// In one turn with others of the same request: the first of them begins it.
	await turns.take([...names, `${identity.kind} ${identity.requestId}`], async () => {
		kept = keptAnswer(store, identity);
		if (kept === undefined && !jobs.canJoin(identity)) jobs.begin(identity, await prepare());
	});
	if (kept !== undefined) {
		yield { kind: "result", result: kept };
		return;
	}
	yield* jobs.follow<R>(identity, signal);
}

/** Of a request that has ended well. Fault: REQUEST_ID_REUSED. */
export function keptAnswer<R>(store: Parts["store"], { kind, requestId, bodyHash }: JobIdentity): R | undefined {
	const kept = new JobRecords(store).findAnswer<R>(kind, requestId);
	if (kept !== undefined) refuseReused({ method: kind, requestId, bodyHash }, kept.bodyHash);
	return kept?.result;
}
