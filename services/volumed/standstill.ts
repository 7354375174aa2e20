/**
 * Control groups that volumed stops: the store knows each of them before it is stopped and until it has gone on, so that the start after a
 * kill lets it go on. One that somebody else has stopped is neither stored nor touched.
 */
import { Undo } from "#lib/concurrency/undo.ts";
import { killPoint } from "#lib/config/kill-point.ts";
import type { Statement } from "#lib/store/store.ts";
import type { GroupState, Refused } from "./kernel/freezer.ts";
import type { Parts } from "./parts.ts";

const BOUND_MS = 5_000;

export type StandstillParts = Pick<Parts, "store" | "freezer" | "log">;

/** What each control group was before: those that were `thawed` stand still now. */
export type Outcomes = ReadonlyMap<string, GroupState | Refused>;

export class Standstill {
	readonly #parts: StandstillParts;

	constructor(parts: StandstillParts) {
		this.#parts = parts;
	}

	/** Those that are stopped, or were by a volumed that was killed. */
	all(): string[] {
		return this.#parts.store.all<{ cgroup: string }>("SELECT cgroup FROM pause").map(({ cgroup }) => cgroup);
	}

	/** All side by side, within 5 s. Faults: the store's; then, and when the signal aborts, all of them go on. */
	async stop(cgroups: readonly string[], signal: AbortSignal): Promise<Outcomes> {
		const { store, freezer, log } = this.#parts;
		const looks = await Promise.all(cgroups.map(async (cgroup) => [cgroup, await freezer.observe(cgroup)] as const));
		const running = looks.filter(([, state]) => state === "thawed").map(([cgroup]) => cgroup);
		if (running.length === 0) return new Map(looks);

		await using undo = new Undo({}, log);
		undo.defer(async () => {
			await this.letGo(running);
		});
		await store.intend(running.map(stopping), "volumed.pause.intended");
		const found = await allSettled(running.map((cgroup) => this.#freeze(cgroup, signal)));
		const others = found.filter(([, before]) => before !== "thawed").map(([cgroup]) => cgroup);
		if (others.length > 0) await store.intend(others.map(over), "volumed.pause.others");
		undo.done();
		return new Map([...looks, ...found]);
	}

	/** Absent is success. What cannot go on is logged, and stays known. Gives what the kernel said, one for each of these. */
	async letGo(cgroups: readonly string[]): Promise<unknown[]> {
		const { store, freezer, log } = this.#parts;
		const failures: unknown[] = [];
		const going: string[] = [];
		const thaw = async (cgroup: string): Promise<void> => {
			try {
				await freezer.thaw(cgroup);
				going.push(cgroup);
			} catch (error) {
				log.error("a paused container does not go on", { cgroup, err: error });
				failures.push(error);
			}
		};
		await Promise.all(cgroups.map(thaw));
		if (going.length > 0) await store.intend(going.map(over), "volumed.pause.over");
		return failures;
	}

	async #freeze(cgroup: string, signal: AbortSignal): Promise<readonly [string, GroupState | Refused]> {
		const before = await this.#parts.freezer.freeze(cgroup, BOUND_MS, signal);
		killPoint("volumed.pause.frozen");
		return [cgroup, before];
	}
}

/** Waits for all of them, and then throws what the first one threw. */
async function allSettled<T>(promises: readonly Promise<T>[]): Promise<T[]> {
	await Promise.allSettled(promises);
	return Promise.all(promises);
}

function stopping(cgroup: string): Statement {
	return { sql: "INSERT OR IGNORE INTO pause (cgroup) VALUES (?)", params: [cgroup] };
}

function over(cgroup: string): Statement {
	return { sql: "DELETE FROM pause WHERE cgroup = ?", params: [cgroup] };
}
