/** How much there is to archive, counted beside the archiving. */
import type { Progress } from "./job.ts";
import type { JobControl } from "./job-control.ts";

/** About how much a directory's archive is. Undefined: it cannot be counted. */
export interface ArchiveCounts {
	ofArchive(path: string, signal: AbortSignal): Promise<Progress | undefined>;
}

/** Who has the answer within that does not ask how long it takes; beside it a count costs up to a fifth of the time. */
const COUNTED_AFTER_MS = 1_000;

/** Until it is disposed. A count that fails is none. */
export function countBeside(counts: ArchiveCounts, path: string, control: JobControl): Disposable {
	const over = new AbortController();
	const count = async (): Promise<void> => {
		control.total = await counts.ofArchive(path, over.signal);
	};
	const timer = setTimeout(() => void count().catch(() => undefined), COUNTED_AFTER_MS);
	return {
		[Symbol.dispose]: () => {
			clearTimeout(timer);
			over.abort();
		},
	};
}
