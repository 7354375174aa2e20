/**
 * Pausing the containers that may write to volumes, for the moment in which a backup reads what has changed since.
 *
 * Whatever ends a pause, its containers go on: its disposal, an error, volumed's own end, and after a kill the next start. A container
 * that somebody else has paused stays paused, and one that several pauses want stopped goes on when the last of them is over.
 */
import { Turns } from "#lib/concurrency/turns.ts";
import { type Outcomes, Standstill, type StandstillParts } from "./standstill.ts";
import type { VolumeName } from "./volume.ts";
import { type Writers, writersOf } from "./writers.ts";

/** It is not over by itself: its holder bounds what is done meanwhile, as reading what a paused container itself may have to serve. */
export interface Pause extends AsyncDisposable {
	/** Names of the containers that stand still by it. */
	readonly containers: readonly string[];
	/** Control groups of those who may write, also of those that go on. */
	readonly writers: readonly string[];
	/** A sentence for each container that may go on writing. */
	readonly problems: readonly string[];
	/** From when the first of them was told to stop until now, or until the last of them went on. */
	readonly pausedMs: number;
	/** They go on, but for those that another pause wants stopped. Idempotent. Fault: KERNEL_REFUSED for one of them; the others go on. */
	[Symbol.asyncDispose](): Promise<void>;
}

export class Pauses implements AsyncDisposable {
	readonly #store: StandstillParts["store"];
	readonly #standstill: Standstill;
	/** By control group. */
	readonly #turns = new Turns();
	/** How many pauses want a control group stopped. */
	readonly #holders = new Map<string, number>();

	constructor(parts: StandstillParts) {
		this.#store = parts.store;
		this.#standstill = new Standstill(parts);
	}

	/** Somebody may write to one of the volumes who could be paused. */
	concern(volumes: readonly VolumeName[]): boolean {
		const { groups, unknown } = writersOf(this.#store, volumes);
		return groups.size > 0 || unknown.size > 0;
	}

	/**
	 * Resolves when all that run and can be stopped stand still: within 5 s, and as long again for each other pause of the same containers
	 * that has just begun. Faults: the store's. Then, and when the signal aborts, all go on.
	 */
	async pause(volumes: readonly VolumeName[], signal: AbortSignal): Promise<Pause> {
		const writers = writersOf(this.#store, volumes);
		const cgroups = [...writers.groups.keys()];
		return this.#turns.take(cgroups, async () => {
			signal.throwIfAborted();
			const beganAt = performance.now();
			const outcomes = await this.#stop(cgroups, signal);
			const held = cgroups.filter((cgroup) => outcomes.get(cgroup) === "thawed");
			for (const cgroup of held) this.#holders.set(cgroup, this.#count(cgroup) + 1);
			const containers = held.flatMap((cgroup) => namesIn(writers, cgroup));
			const told = { containers, writers: cgroups, problems: problemsOf(writers, outcomes) };
			return this.#paused(told, held, beganAt);
		});
	}

	/** What a volumed that was killed had stopped goes on: at the start, before the first request. What cannot is logged, and tried again by the next one. */
	async mend(): Promise<void> {
		await this.#standstill.letGo(this.#standstill.all());
	}

	/** At volumed's end: nobody may be there any more to let them go on. */
	async [Symbol.asyncDispose](): Promise<void> {
		const cgroups = [...this.#holders.keys()];
		await this.#turns.take(cgroups, async () => {
			this.#holders.clear();
			await this.#standstill.letGo(cgroups);
		});
	}

	/** Those that another pause has stopped are stopped for this one, too. */
	async #stop(cgroups: readonly string[], signal: AbortSignal): Promise<Outcomes> {
		const stopped = cgroups.filter((cgroup) => this.#count(cgroup) > 0);
		const others = cgroups.filter((cgroup) => this.#count(cgroup) === 0);
		const outcomes = await this.#standstill.stop(others, signal);
		return new Map([...outcomes, ...stopped.map((cgroup) => [cgroup, "thawed"] as const)]);
	}

	#paused(
		told: Pick<Pause, "containers" | "writers" | "problems">,
		cgroups: readonly string[],
		beganAt: number,
	): Pause {
		let endedAt = cgroups.length === 0 ? beganAt : undefined;
		let over: Promise<void> | undefined;
		const end = async (): Promise<void> => {
			const last = cgroups.filter((cgroup) => this.#leave(cgroup));
			const failures = await this.#standstill.letGo(last);
			endedAt ??= performance.now();
			if (failures.length > 0) throw failures[0];
		};
		return {
			...told,
			get pausedMs() {
				return (endedAt ?? performance.now()) - beganAt;
			},
			[Symbol.asyncDispose]: () => (over ??= this.#turns.take(cgroups, end)),
		};
	}

	/** True: nobody wants it stopped any more. */
	#leave(cgroup: string): boolean {
		const count = this.#count(cgroup);
		if (count > 1) this.#holders.set(cgroup, count - 1);
		else this.#holders.delete(cgroup);
		return count === 1;
	}

	#count(cgroup: string): number {
		return this.#holders.get(cgroup) ?? 0;
	}
}

function problemsOf(writers: Writers, outcomes: Outcomes): string[] {
	const refused = [...outcomes].flatMap(([cgroup, outcome]) =>
		typeof outcome === "object" ? namesIn(writers, cgroup).map((name) => problemOf(name, outcome.problem)) : [],
	);
	return [...refused, ...[...writers.unknown].map((name) => problemOf(name, "nobody has told its control group"))];
}

function problemOf(name: string, problem: string): string {
	return `${name} was not paused: ${problem}.`;
}

function namesIn({ groups }: Writers, cgroup: string): string[] {
	return [...(groups.get(cgroup) ?? [])];
}
