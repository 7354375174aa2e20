/** What a container writes, on this process's own outputs; followed across a restart of the gateway. */
import { setTimeout as sleep } from "node:timers/promises";
import { type ContainerServiceService, Output, type ReadLogsRequest } from "#gen/wharf/container/v1/container.ts";
import { isAway } from "#lib/rpc/faults.ts";
import type { ClientOf } from "#lib/rpc/client.ts";
import type { Terminal } from "./terminal.ts";

type Gateway = ClientOf<ContainerServiceService>;

const RETRIES = 30;
const RETRY_MS = 200;

export interface Reading {
	readonly container: string;
	readonly follow: boolean;
	readonly tail?: number | undefined;
	readonly timestamps?: boolean;
}

/**
 * What was printed of a log, when it is read again: its oldest files may have gone since, so a number of entries does not tell.
 *
 * Entries come in the order of their times. A clock that was set back makes no more of them skipped than were printed.
 */
export class Printed {
	#count = 0;
	#time = 0;
	/** Of those with that time. */
	#sameTime = 0;

	/** Notes the entry of that time, in milliseconds. */
	add(time: number): void {
		this.#count++;
		this.#sameTime = time === this.#time ? this.#sameTime + 1 : 1;
		this.#time = time;
	}

	/** To be asked of each entry that comes again, until it says no: whether it was printed. */
	again(): (time: number) => boolean {
		const [count, last, sameTime] = [this.#count, this.#time, this.#sameTime];
		let seen = 0;
		let seenSame = 0;
		let isOver = false;
		return (time) => {
			if (isOver) return false;
			if (time === last) seenSame++;
			isOver = ++seen > count || time > last || seenSame > sameTime;
			return !isOver;
		};
	}
}

/** Prints until the log ends. A gateway that restarts meanwhile is asked again for what is left. */
export async function printLogs(gateway: Gateway, reading: Reading, terminal: Terminal): Promise<void> {
	const { container, follow, tail, timestamps = false } = reading;
	const request: ReadLogsRequest = { container, follow, tail };
	const printed = new Printed();
	await bridging(follow, async () => {
		const isPrinted = printed.again();
		for await (const { output, data, time } of gateway.readLogs(request)) {
			const at = time?.getTime() ?? 0;
			if (isPrinted(at)) continue;
			printed.add(at);
			const stamp = timestamps ? [Buffer.from(`${time?.toISOString() ?? ""} `)] : [];
			const bytes = Buffer.concat([...stamp, data]);
			await (output === Output.STDERR ? terminal.err(bytes) : terminal.out(bytes));
		}
	});
}

/** The exit status of a container, however long it takes. */
export function waitFor(gateway: Gateway, container: string, signal?: AbortSignal): Promise<number> {
	return bridging(true, async () => {
		const { exitCode } = await gateway.waitContainer({ container }, { signal, timeoutMs: Number.POSITIVE_INFINITY });
		return exitCode;
	});
}

/** Runs `body` again while the gateway is away for a moment. */
async function bridging<T>(again: boolean, body: () => Promise<T>): Promise<T> {
	for (let attempt = 1; ; attempt++) {
		try {
			return await body();
		} catch (error) {
			if (!again || !isAway(error) || error.domain !== "rpc" || attempt > RETRIES) throw error;
			await sleep(RETRY_MS);
		}
	}
}
