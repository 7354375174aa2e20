/**
 * Every query and what became of it, for whoever watches. While nobody does, a query pays for one look at a boolean.
 *
 * A watcher has a bounded queue. One that reads too slowly loses what comes while it is full and is told how many that were:
 * the resolver never waits for a watcher, and its memory does not grow.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Transport } from "./answer.ts";
import type { OwnOutcome } from "./counters.ts";
import { isBelow, type NameKey } from "./name.ts";
import { RCODE } from "./protocol.ts";
import { rcodeOf } from "./wire.ts";
import { codeText, readAnswers, readQuestion } from "./query-text.ts";

/** `failed`: SERVFAIL, nobody gave a good answer. `refused`: malformed, or not for a resolver of this kind. */
export type Outcome = OwnOutcome | "forwarded" | "cached" | "failed";

/** Who asks. */
export interface Asking {
	readonly sandboxId: string;
	readonly owner: string;
	/** The container's name. */
	readonly container: string;
}

export interface LoggedQuery extends Asking {
	/** When it came, since 1970. */
	readonly timeUs: number;
	readonly transport: Transport;
	/** As asked; empty, as the type, when it could not be read. */
	readonly name: string;
	readonly type: string;
	readonly outcome: Outcome;
	/** As `NOERROR`. */
	readonly code: string;
	/** Records in the answer section. */
	readonly answers: number;
	/** The first addresses and names among them. */
	readonly data: readonly string[];
	readonly durationUs: number;
}

/** What a watcher wants to see. */
export interface QueryFilter {
	/** Only these sandboxes', and these owners'; both empty: everybody's. */
	readonly sandboxIds: ReadonlySet<string>;
	readonly owners: ReadonlySet<string>;
	/** Only this name and those below it. */
	readonly suffix: NameKey | undefined;
	/** Only what failed or was refused. */
	readonly failuresOnly: boolean;
}

export interface Parcel {
	readonly queries: readonly LoggedQuery[];
	/** As many came after these and found no room. */
	readonly lost: number;
}

/** Of a watcher that does not read. At about 0.5 kB each, and 2 kB at most. */
const ROOM = 1_000;
/** What comes within it goes out together: a message for each query would cost more than the query. */
const GATHER_MS = 20;
/** The wall clock is looked at for each query; between its milliseconds the other one goes on. */
const CLOCK_SLACK_MS = 2;

class Watcher {
	readonly filter: QueryFilter;
	wake: () => void = () => undefined;
	#queries: LoggedQuery[] = [];
	#lost = 0;

	constructor(filter: QueryFilter) {
		this.filter = filter;
	}

	get isEmpty(): boolean {
		return this.#queries.length === 0;
	}

	wants({ sandboxId, owner }: Asking): boolean {
		const { sandboxIds, owners } = this.filter;
		return (sandboxIds.size === 0 && owners.size === 0) || sandboxIds.has(sandboxId) || owners.has(owner);
	}

	/** Otherwise it is lost. */
	hasRoom(): boolean {
		if (this.#queries.length < ROOM) return true;
		this.#lost += 1;
		return false;
	}

	/** There is room. */
	put(query: LoggedQuery): void {
		if (this.#queries.push(query) === 1) this.wake();
	}

	take(): Parcel {
		const parcel = { queries: this.#queries, lost: this.#lost };
		this.#queries = [];
		this.#lost = 0;
		return parcel;
	}
}

/** A query on its way, seen by somebody. */
export class PendingQuery {
	readonly #watchers: readonly Watcher[];
	readonly #asking: Asking;
	readonly #transport: Transport;
	readonly #question: ReturnType<typeof readQuestion>;
	readonly #timeUs: number;
	readonly #startedMs = performance.now();

	/** The packet is read now; it may be another one's afterwards. */
	constructor(
		watchers: readonly Watcher[],
		asking: Asking,
		seen: { readonly packet: Buffer; readonly transport: Transport; readonly timeUs: number },
	) {
		this.#watchers = watchers;
		this.#asking = asking;
		this.#transport = seen.transport;
		this.#timeUs = seen.timeUs;
		this.#question = readQuestion(seen.packet);
	}

	/** The answer is read now. */
	end(outcome: Outcome, answer: Buffer): void {
		const question = this.#question;
		const failed = outcome === "failed" || outcome === "refused";
		const wanting = this.#watchers.filter((watcher) => {
			const { suffix, failuresOnly } = watcher.filter;
			if (failuresOnly && !failed) return false;
			if (suffix !== undefined && !(question !== undefined && isWithin(question.key, suffix))) return false;
			return watcher.hasRoom();
		});
		if (wanting.length === 0) return;
		const { count, data } = readAnswers(answer);
		const query: LoggedQuery = {
			...this.#asking,
			timeUs: this.#timeUs,
			transport: this.#transport,
			name: question?.name ?? "",
			type: question?.type ?? "",
			outcome,
			code: codeOf(outcome, answer),
			answers: count,
			data,
			durationUs: Math.round((performance.now() - this.#startedMs) * 1_000),
		};
		for (const watcher of wanting) watcher.put(query);
	}
}

function isWithin(key: NameKey, suffix: NameKey): boolean {
	return key === suffix || isBelow(key, suffix);
}

/** BADVERS does not fit into a header, which says NOERROR then. */
function codeOf(outcome: Outcome, answer: Buffer): string {
	const rcode = rcodeOf(answer);
	return codeText(outcome === "refused" && rcode === RCODE.NOERROR ? RCODE.BADVERS : rcode);
}

export class QueryLog {
	/** Somebody watches. */
	isWatched = false;
	readonly #watchers = new Set<Watcher>();
	#clockMs = 0;

	/** Undefined when nobody wants to know of this one. */
	begin(asking: Asking, packet: Buffer, transport: Transport): PendingQuery | undefined {
		const watchers = [...this.#watchers].filter((watcher) => watcher.wants(asking));
		if (watchers.length === 0) return undefined;
		return new PendingQuery(watchers, asking, { packet, transport, timeUs: this.#nowUs() });
	}

	/** What comes from now on, until the signal; seen from the call on, also before it is iterated. The first parcel is an empty one. */
	watch(filter: QueryFilter, signal: AbortSignal): AsyncGenerator<Parcel> {
		const watcher = new Watcher(filter);
		this.#watchers.add(watcher);
		this.isWatched = true;
		// A generator that was never begun runs no `finally`.
		const leave = (): void => {
			this.#watchers.delete(watcher);
			this.isWatched = this.#watchers.size > 0;
			watcher.wake();
		};
		if (signal.aborted) leave();
		else signal.addEventListener("abort", leave, { once: true });
		return parcels(watcher, signal, leave);
	}

	/** Microseconds by a clock that has them, set by the wall's whenever it has left that. */
	#nowUs(): number {
		const [wallMs, runningMs] = [Date.now(), performance.now()];
		if (Math.abs(this.#clockMs + runningMs - wallMs) > CLOCK_SLACK_MS) this.#clockMs = wallMs - runningMs;
		return Math.round((this.#clockMs + runningMs) * 1_000);
	}
}

async function* parcels(watcher: Watcher, signal: AbortSignal, leave: () => void): AsyncGenerator<Parcel> {
	try {
		yield { queries: [], lost: 0 };
		while (!signal.aborted) {
			if (watcher.isEmpty) {
				await new Promise<void>((resolve) => {
					watcher.wake = resolve;
				});
			}
			await sleep(GATHER_MS, undefined, { signal }).catch(() => undefined);
			if (!watcher.isEmpty) yield watcher.take();
		}
	} finally {
		leave();
	}
}
