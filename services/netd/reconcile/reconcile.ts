/**
 * The store and the kernel made to agree, both ways: at start, every minute, and soon after something was left undone.
 *
 * It takes no turn that an operation has, changes nothing that is right, and never fails as a whole: what it could not do it
 * counts, says, and tries again.
 */
import type { IfName } from "#lib/address/if-name.ts";
import { attachmentsOf } from "../attachments.ts";
import type { Parts } from "../parts.ts";
import { resolvedSandbox } from "../sandbox-view.ts";
import { ensureEffects } from "./effects.ts";
import { settleLeases } from "./leases.ts";
import { Problems } from "./problems.ts";
import { finishRows, type UseCases } from "./rows.ts";
import { assertRules } from "./rules.ts";
import { removeStrays } from "./strays.ts";

const EVERY_MS = 60_000;
/** After a problem it is tried again so soon, then twice as late each time, but never so late that a peer's return goes unnoticed. */
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 4_000;

export interface ReconcileOptions {
	readonly parts: Parts;
	readonly useCases: UseCases;
	/** The default network's bridge. */
	readonly bridge: IfName;
	readonly signal: AbortSignal;
}

export class Reconcile implements AsyncDisposable {
	readonly #options: ReconcileOptions;
	#running: Promise<number> | undefined;
	#timer: NodeJS.Timeout | undefined;
	#retryMs = FIRST_RETRY_MS;
	#dueAt = Number.POSITIVE_INFINITY;
	/** Something was left undone since the last one began: it may have passed that by. */
	#asked = false;

	constructor(options: ReconcileOptions) {
		this.#options = options;
	}

	/** Tells the names of what is there; before anybody can watch. */
	seedNames(): void {
		const { records, names } = this.#options.parts;
		for (const sandbox of records.sandboxes([["state IN ('active', 'failed')"]])) {
			names.put(sandbox.id, resolvedSandbox(sandbox, attachmentsOf(records, sandbox.id)));
		}
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

	/** Waits for the one under way; none follows. */
	async [Symbol.asyncDispose](): Promise<void> {
		clearTimeout(this.#timer);
		this.#dueAt = Number.NEGATIVE_INFINITY;
		await this.#running;
	}

	async #reconcile(): Promise<number> {
		const { parts, useCases, bridge, signal } = this.#options;
		const problems = new Problems(parts.log);
		this.#asked = false;
		await problems.guard("make the packet rules", () => void parts.kernel.firewall.ensureSkeleton());
		await problems.guard("finish what was begun", () => finishRows(parts, useCases, problems));
		await problems.guard("remove strays", () => removeStrays(parts, problems));
		await problems.guard("make the predefined networks", () => useCases.networks.ensurePredefined(bridge, signal));
		await problems.guard("keep what is there", () => ensureEffects(parts, problems));
		await problems.guard("put the packet rules right", () => assertRules(parts));
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
		return problems.count;
	}

	#schedule(afterMs: number): void {
		const dueAt = Date.now() + afterMs;
		if (dueAt >= this.#dueAt) return;
		clearTimeout(this.#timer);
		this.#dueAt = dueAt;
		this.#timer = setTimeout(() => void this.run(), afterMs).unref();
	}
}
