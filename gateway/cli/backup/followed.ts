/**
 * What volumed does for a command that its user may give up: the command ends when nothing of it is left, or says what is.
 */
import { AwaitJobsRequest, type BackupServiceService } from "#gen/wharf/volume/v1/volume.ts";
import type { CallOptions, ClientOf } from "#lib/rpc/client.ts";
import type { Terminal } from "../terminal.ts";

/** A target that does not answer, as one on a network, keeps nobody for longer. */
const ENDING_MS = 10_000;

interface Asked {
	readonly volumed: ClientOf<BackupServiceService>;
	readonly requestId: string;
	readonly terminal: Pick<Terminal, "err">;
	/** Aborted by the user. */
	readonly signal: AbortSignal;
}

/** The answers to `ask`. Fault: CANCELLED, when all that had been begun is gone, or it was told that it is not. */
export async function* untilLeft<A>(
	{ volumed, requestId, terminal, signal }: Asked,
	ask: (options: CallOptions) => AsyncIterable<A>,
): AsyncGenerator<A> {
	try {
		yield* ask({ signal });
	} catch (error) {
		if (signal.aborted && !(await hasEnded(volumed, requestId))) {
			await terminal.err(
				"wharf: volumed is not done with giving it up. What it had begun, as a .partial beside the archive's place, is removed when it is, or when it starts again.\n",
			);
		}
		throw error;
	}
}

async function hasEnded(volumed: ClientOf<BackupServiceService>, requestId: string): Promise<boolean> {
	const request = AwaitJobsRequest.fromPartial({ ofRequestId: requestId });
	return await volumed.awaitJobs(request, { timeoutMs: ENDING_MS }).then(
		() => true,
		() => false,
	);
}
