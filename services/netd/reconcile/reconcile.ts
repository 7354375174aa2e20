/**
 * The store and the kernel made to agree, both ways: at start, every minute, soon after something was left undone, and at once
 * after news that somebody else changed what is ours; but however much news there are, twice a second at most.
 *
 * It takes no turn that an operation has, changes nothing that is right, and never fails as a whole: what it could not do it
 * counts, says, and tries again.
 */
import { attachmentsOf } from "../attachments.ts";
import type { KernelNews } from "../kernel/news.ts";
import type { Parts } from "../parts.ts";
import { resolvedSandbox } from "../sandbox-view.ts";
import { IS_THERE } from "../status.ts";
import { concerns } from "./concern.ts";
import { ensureEffects } from "./effects.ts";
import { ForeignRules } from "./foreign.ts";
import { settleLeases } from "./leases.ts";
import { correctNeighbours } from "./neighbours.ts";
import { Problems } from "./problems.ts";
import { finishRows, type UseCases } from "./rows.ts";
import { assertRules } from "./rules.ts";
import { removeStrays } from "./strays.ts";

const EVERY_MS = 60_000;
/** After a problem it is tried again so soon, then twice as late each time, but never so late that a peer's return goes unnoticed. */
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 4_000;
/** So long it rests before news begin it again, or so many times its processor time: with many sandboxes it looks at each. */
const REST_MS = 500;
const REST_TIMES = 4;
const LONGEST_REST_MS = 5_000;

export interface ReconcileOptions {
	readonly parts: Parts;
	readonly useCases: UseCases;
	/** Other programs' packet rules may be given a rule that lets ours through. */
	readonly adapts: boolean;
	readonly signal: AbortSignal;
}

export class Reconcile implements AsyncDisposable {
	readonly #options: ReconcileOptions;
	readonly #foreign: ForeignRules;
	#running: Promise<number> | undefined;
	#timer: NodeJS.Timeout | undefined;
	#retryMs = FIRST_RETRY_MS;
	#dueAt = Number.POSITIVE_INFINITY;
	/** Something was left undone since the last one began: it may have passed that by. */
	#asked = false;
	/** Somebody else changed what is ours, and not all of that has been looked at yet. */
	#changed = false;
	#restsUntil = 0;

	constructor(options: ReconcileOptions) {
		this.#options = options;
		const { parts, adapts } = options;
		this.#foreign = new ForeignRules({ parts, adapts, unfinished: () => this.soon() });
	}

	/** Tells the names of what is there; before anybody can watch. */
	seedNames(): void {
		const { records, names, dnsServers } = this.#options.parts;
		const sandboxes = records.sandboxes([[IS_THERE]]);
		names.seed(
			sandboxes.map((sandbox) => {
				const attachments = attachmentsOf(records, sandbox.id);
				return [sandbox.id, resolvedSandbox(sandbox, attachments, dnsServers)] as const;
			}),
		);
	}

	/** Reconciles once, or joins the one under way; how many problems are left. The next one is then due by itself. */
	run(): Promise<number> {
		this.#running ??= this.#reconcile().finally(() => {
			this.#running = undefined;
		});
		return this.#running;
	}

	/** Something was left undone. */
	soon(): void {
		this.#asked = true;
		this.#schedule(FIRST_RETRY_MS);
	}

	/** The kernel changed; where that concerns what is ours, it is looked at as soon as the rest after the last time is over. */
	changed(news: KernelNews): void {
		const { parts } = this.#options;
		if (news.foreignRules) this.#foreign.changed();
		if (!this.#concerns(news)) return;
		const { everything, links, apart } = news;
		const seen = { everything, links: [...links], apart: [...apart] };
		if (!this.#changed) parts.log.info("others may have changed what is ours", seen);
		this.#changed = true;
		if (this.#running === undefined) this.#schedule(Math.max(0, this.#restsUntil - Date.now()));
	}

	/** Waits for the one under way; none follows. */
	async [Symbol.asyncDispose](): Promise<void> {
		clearTimeout(this.#timer);
		this.#dueAt = Number.NEGATIVE_INFINITY;
		this.#foreign[Symbol.dispose]();
		await this.#running;
	}

	async #reconcile(): Promise<number> {
		const { parts, useCases, signal } = this.#options;
		const problems = new Problems(parts.log);
		this.#asked = false;
		const changed = this.#changed;
		this.#changed = false;
		const usage = process.threadCpuUsage();
		let passedOver = 0;
		await problems.guard("make the packet rules", () => void parts.kernel.firewall.ensureSkeleton());
		// Without them, what is published is not reached, and what is apart is not kept apart: the rest takes its time.
		if (changed) await problems.guard("put the packet rules right", () => assertRules(parts));
		await problems.guard("have other programs' packet rules let ours through", () => this.#foreign.keep());
		await problems.guard("finish what was begun", () => finishRows(parts, useCases, problems));
		await problems.guard("remove strays", () => removeStrays(parts, problems));
		await problems.guard("make the predefined networks", () => useCases.predefined.ensure(signal));
		await problems.guard("keep what is there", async () => {
			passedOver = await ensureEffects(parts, problems);
		});
		await problems.guard("put the packet rules right", () => assertRules(parts));
		await problems.guard("correct neighbours", () => correctNeighbours(parts));
		await problems.guard("settle leases", () => settleLeases(parts, problems));
		this.#dueAt = this.#dueAt === Number.NEGATIVE_INFINITY ? this.#dueAt : Number.POSITIVE_INFINITY;
		if (problems.count > 0) {
			this.#schedule(this.#retryMs);
			this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
		} else {
			this.#retryMs = FIRST_RETRY_MS;
			this.#schedule(EVERY_MS);
		}
		if (this.#asked) this.#schedule(FIRST_RETRY_MS);
		this.#rest(usage, changed && passedOver > 0);
		return problems.count;
	}

	/** `again`: what others changed may be among what an operation was at work on. */
	#rest(usage: NodeJS.CpuUsage, again: boolean): void {
		const { user, system } = process.threadCpuUsage(usage);
		const processorMs = (user + system) / 1_000;
		const restMs = Math.min(Math.max(REST_MS, REST_TIMES * processorMs), LONGEST_REST_MS);
		this.#restsUntil = Date.now() + restMs;
		this.#changed ||= again;
		if (this.#changed) this.#schedule(restMs);
		this.#options.parts.log.debug("reconciled", { processorMs });
	}

	/** What cannot be told is looked at. */
	#concerns(news: KernelNews): boolean {
		const { parts } = this.#options;
		try {
			return concerns(parts, news);
		} catch (err) {
			parts.log.error("news of the kernel could not be judged", { err });
			return true;
		}
	}

	#schedule(afterMs: number): void {
		const dueAt = Date.now() + afterMs;
		if (dueAt >= this.#dueAt) return;
		clearTimeout(this.#timer);
		this.#dueAt = dueAt;
		this.#timer = setTimeout(() => void this.run(), afterMs).unref();
	}
}
