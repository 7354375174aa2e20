/**
 * What resolvers are told: the sandboxes with names, as immutable values, and each change with its revision.
 *
 * A change is on its way to every watcher before the operation that made it has answered, and the operation waits, a bounded
 * time, until all of them have said that their answers show it. Revisions belong to this process: a watch ends with it.
 */
import type { Ip } from "#lib/address/ip.ts";
import { Latest } from "#lib/concurrency/latest.ts";
import { faults } from "./faults.ts";

/** A sandbox as a resolver sees it; one of which no network resolves names is not told of at all. */
export interface ResolvedSandbox {
	readonly sandboxId: string;
	readonly netnsPath: string;
	readonly name: string;
	readonly owner: string;
	readonly hostname: string;
	readonly resolverPort: number;
	readonly dnsServers: readonly Ip[];
	/** Its legs on networks that resolve names. */
	readonly endpoints: readonly ResolvedEndpoint[];
	/** Unknown names may be asked elsewhere. */
	readonly forwards: boolean;
}

interface ResolvedEndpoint {
	readonly endpointId: string;
	readonly networkId: string;
	readonly networkName: string;
	readonly addresses: readonly Ip[];
	readonly aliases: readonly string[];
	/** Names that it alone is answered, each with the name of the sandbox that it stands for. */
	readonly links: Readonly<Record<string, string>>;
}

type Change =
	| { readonly kind: "sandbox"; readonly sandbox: ResolvedSandbox }
	| { readonly kind: "removed"; readonly sandboxId: string }
	/** Everything that there was has been told. */
	| { readonly kind: "synced" };

export interface Told {
	readonly revision: number;
	readonly change: Change;
}

/** How long an operation waits for a resolver. */
const PATIENCE_MS = 1_000;
/** How long for one that hangs: it has been waited for in vain, and has not shown that since. */
const LATE_PATIENCE_MS = 100;
/** How long operations wait for one that watched and went away, or that netd's last process had: either restarts in less. */
const RETURN_PATIENCE_MS = 2_000;
/** Changes of different sandboxes that a reader may be behind; beyond that it is to begin anew. */
const MAX_BEHIND = 20_000;

export class Names {
	readonly #returnPatienceMs: number;
	readonly #sandboxes = new Map<string, ResolvedSandbox>();
	readonly #watchers = new Set<Watcher>();
	#revision = 0;
	/** A resolver watched, and has not been waited for in vain since. */
	#expected = false;
	/** Under way while nobody watches and operations wait: true when somebody does again. */
	#absence: { readonly over: Promise<boolean>; readonly end: (back: boolean) => void } | undefined;

	constructor(returnPatienceMs = RETURN_PATIENCE_MS) {
		this.#returnPatienceMs = returnPatienceMs;
	}

	/** What there is when the process begins; where that is something, the one before had a resolver, which comes again. */
	seed(sandboxes: Iterable<readonly [sandboxId: string, sandbox: ResolvedSandbox | undefined]>): void {
		for (const [sandboxId, sandbox] of sandboxes) this.put(sandboxId, sandbox);
		this.#expected = this.#sandboxes.size > 0;
	}

	/** The sandbox as it is now; undefined: it is gone, or has no names any more. Gives the change's revision. */
	put(sandboxId: string, sandbox: ResolvedSandbox | undefined): number {
		if (sandbox === undefined && !this.#sandboxes.delete(sandboxId)) return this.#revision;
		if (sandbox !== undefined) this.#sandboxes.set(sandboxId, sandbox);
		this.#revision += 1;
		const change: Change = sandbox === undefined ? { kind: "removed", sandboxId } : { kind: "sandbox", sandbox };
		for (const watcher of this.#watchers) watcher.push(sandboxId, { revision: this.#revision, change });
		return this.#revision;
	}

	find(sandboxId: string): ResolvedSandbox | undefined {
		return this.#sandboxes.get(sandboxId);
	}

	/**
	 * True once every watcher shows `revision`; false when one does not in time. Where nobody watches, one that did is waited for, once
	 * and for all who ask meanwhile; else it is false at once: nobody answers, and whoever comes will be told.
	 */
	async settled(revision: number, patienceMs = PATIENCE_MS): Promise<boolean> {
		if (this.#watchers.size === 0 && !(await this.#returned())) return false;
		const { promise: late, resolve } = Promise.withResolvers<readonly boolean[]>();
		const watchers = [...this.#watchers];
		const hangs = watchers.some((watcher) => watcher.isLate);
		const giveUp = (): void => {
			// Hardly waited for is not waited for in vain: one that catches up with what it missed hangs no longer.
			if (!hangs) for (const watcher of watchers) watcher.late(revision);
			resolve([]);
		};
		const timer = setTimeout(giveUp, hangs ? Math.min(patienceMs, LATE_PATIENCE_MS) : patienceMs);
		const shown = Promise.all(watchers.map((watcher) => watcher.shows(revision)));
		// One that goes away while it is waited for has shown nothing, and does not count among the others.
		const inTime = (await Promise.race([shown, late])).includes(true);
		clearTimeout(timer);
		return inTime;
	}

	/** Everything as it is, `synced`, then changes; until the signal or the reader ends it. */
	watch(acknowledged: AsyncIterable<number>, signal: AbortSignal): AsyncIterable<Told> {
		const watcher = new Watcher();
		// Taken together with the snapshot, so that no change falls between the two.
		this.#watchers.add(watcher);
		this.#expected = true;
		this.#absence?.end(true);
		const snapshot = [...this.#sandboxes.values()];
		const revision = this.#revision;
		const stop = (): void => watcher.end(undefined);
		signal.addEventListener("abort", stop, { once: true });
		void listen(watcher, acknowledged);
		const forget = (): void => {
			signal.removeEventListener("abort", stop);
			this.#watchers.delete(watcher);
			watcher.end(undefined);
		};
		return (async function* (): AsyncGenerator<Told> {
			try {
				for (const sandbox of snapshot) yield { revision, change: { kind: "sandbox", sandbox } };
				yield { revision, change: { kind: "synced" } };
				yield* watcher.changes();
			} finally {
				forget();
			}
		})();
	}

	async #returned(): Promise<boolean> {
		if (!this.#expected) return false;
		this.#absence ??= this.#await();
		return await this.#absence.over;
	}

	#await(): { readonly over: Promise<boolean>; readonly end: (back: boolean) => void } {
		const { promise: over, resolve } = Promise.withResolvers<boolean>();
		const late = setTimeout(() => end(false), this.#returnPatienceMs).unref();
		const end = (back: boolean): void => {
			clearTimeout(late);
			this.#absence = undefined;
			this.#expected = back;
			resolve(back);
		};
		return { over, end };
	}
}

async function listen(watcher: Watcher, acknowledged: AsyncIterable<number>): Promise<void> {
	try {
		for await (const revision of acknowledged) watcher.acknowledge(revision);
		watcher.end(undefined);
	} catch (error) {
		watcher.end(error);
	}
}

/** One reader: what it has still to be told, and what it has acknowledged. */
class Watcher {
	readonly #latest = new Latest<string, Told>(MAX_BEHIND, () => faults.WATCH_TOO_SLOW({}));
	readonly #waiting = new Set<{ readonly revision: number; readonly resolve: (shown: boolean) => void }>();
	#acknowledged = 0;
	/** The last revision that was waited for in vain. */
	#late = 0;

	get isLate(): boolean {
		return this.#acknowledged < this.#late;
	}

	/** `revision` has been waited for long enough. */
	late(revision: number): void {
		this.#late = Math.max(this.#late, revision);
	}

	push(sandboxId: string, told: Told): void {
		this.#latest.push(sandboxId, told);
		if (this.#latest.isOver) this.#settleAll();
	}

	acknowledge(revision: number): void {
		this.#acknowledged = Math.max(this.#acknowledged, revision);
		for (const one of this.#waiting) if (one.revision <= this.#acknowledged) this.#settle(one, true);
	}

	shows(revision: number): Promise<boolean> {
		if (this.#acknowledged >= revision) return Promise.resolve(true);
		if (this.#latest.isOver) return Promise.resolve(false);
		return new Promise((resolve) => this.#waiting.add({ revision, resolve }));
	}

	end(error: unknown): void {
		this.#latest.end(error);
		this.#settleAll();
	}

	changes(): AsyncGenerator<Told> {
		return this.#latest.values();
	}

	#settleAll(): void {
		for (const one of this.#waiting) this.#settle(one, false);
	}

	#settle(one: { readonly revision: number; readonly resolve: (shown: boolean) => void }, shown: boolean): void {
		this.#waiting.delete(one);
		one.resolve(shown);
	}
}
