/**
 * The time of which an archive is: those who write to its volume stand still while it is looked what has changed since it was read.
 * Several archives may be of one time.
 */
import type { ArchiveResult } from "./job.ts";
import type { Pause, Pauses } from "./pauses.ts";
import type { VolumeName } from "./volume.ts";

export type Pausing = Pick<Pauses, "pause" | "concern">;
export type Paused = Pick<ArchiveResult, "paused" | "pausedMs" | "warnings">;

/** `writers` are the control groups of all who may write. */
type CatchUp = (writers: readonly string[]) => Promise<void>;

export interface Moment {
	/** Runs `catchUp` while they stand still. Faults: its own, and those of the pause. */
	reach(catchUp: CatchUp): Promise<Paused>;
}

export const NOT_PAUSED: Paused = { paused: [], pausedMs: 0, warnings: [] };

/** Whoever stands still for longer is missed. */
const LONGEST_PAUSE_MS = 10_000;

/** Undefined: nobody writes to the volume. */
export function ownMoment(pauses: Pausing, volume: VolumeName, signal: AbortSignal): Moment | undefined {
	if (!pauses.concern([volume])) return undefined;
	return { reach: (catchUp) => standingStill(pauses, [volume], signal, catchUp) };
}

/** For some volumes that are read one after the other, each by somebody who reaches this, or leaves without. */
export class CommonMoment {
	readonly #pauses: Pausing;
	readonly #signal: AbortSignal;
	/** Of whom it is not known yet whether they reach it. */
	readonly #expected: Map<VolumeName, PromiseWithResolvers<void>>;
	readonly #waiting: { readonly volume: VolumeName; readonly catchUp: CatchUp }[] = [];
	readonly #over = Promise.withResolvers<Paused>();

	constructor(pauses: Pausing, volumes: readonly VolumeName[], signal: AbortSignal) {
		this.#pauses = pauses;
		this.#signal = signal;
		this.#expected = new Map(volumes.map((volume) => [volume, Promise.withResolvers()]));
		this.#over.promise.catch(() => undefined); // whoever waits hears of it
	}

	of(volume: VolumeName): Moment {
		return {
			reach: async (catchUp) => {
				const own = Promise.withResolvers<void>();
				own.promise.catch(() => undefined); // it is awaited below, but for when the pause fails
				this.#waiting.push({ volume, catchUp: (writers) => catchUp(writers).then(own.resolve, own.reject) });
				this.leave(volume);
				const paused = await this.#over.promise;
				await own.promise;
				return paused;
			},
		};
	}

	/** Resolves when the volume is not read any more: it waits for the others, or was left. */
	async read(volume: VolumeName): Promise<void> {
		await this.#expected.get(volume)?.promise;
	}

	/** It is not waited for any more. Idempotent. */
	leave(volume: VolumeName): void {
		const expected = this.#expected.get(volume);
		this.#expected.delete(volume);
		expected?.resolve();
		if (expected === undefined || this.#expected.size > 0 || this.#waiting.length === 0) return;
		const volumes = this.#waiting.map((one) => one.volume);
		const all = async (writers: readonly string[]): Promise<void> => {
			await Promise.all(this.#waiting.map(({ catchUp }) => catchUp(writers)));
		};
		standingStill(this.#pauses, volumes, this.#signal, all).then(this.#over.resolve, this.#over.reject);
	}
}

async function standingStill(
	pauses: Pausing,
	volumes: readonly VolumeName[],
	signal: AbortSignal,
	body: CatchUp,
): Promise<Paused> {
	await using pause = await pauses.pause(volumes, signal);
	const bound = setTimeout(() => void pause[Symbol.asyncDispose]().catch(() => undefined), LONGEST_PAUSE_MS);
	try {
		await body(pause.writers);
	} finally {
		clearTimeout(bound);
	}
	const warnings = [...pause.problems, ...tooLong(pause)];
	await pause[Symbol.asyncDispose]();
	return { paused: pause.containers, pausedMs: Math.ceil(pause.pausedMs), warnings };
}

function tooLong({ pausedMs }: Pause): string[] {
	if (pausedMs < LONGEST_PAUSE_MS) return [];
	return [`what had changed was read for longer than ${LONGEST_PAUSE_MS / 1000} s: the containers went on`];
}
