/** What a container writes, on this process's own outputs; followed across a restart of the gateway. */
import { setTimeout as sleep } from "node:timers/promises";
import { type ContainerServiceService, Output, type ReadLogsRequest } from "#gen/wharf/container/v1/container.ts";
import { isFault } from "#lib/fault/fault.ts";
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

/** Prints until the log ends. A gateway that restarts meanwhile is asked again for what is left. */
export async function printLogs(gateway: Gateway, reading: Reading, terminal: Terminal): Promise<void> {
	const { container, follow, tail, timestamps = false } = reading;
	const request: ReadLogsRequest = { container, follow, tail };
	let printed = 0;
	await bridging(follow, async () => {
		let skipped = printed;
		for await (const { output, data, time } of gateway.readLogs(request)) {
			if (skipped > 0) {
				skipped--;
				continue;
			}
			printed++;
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
			const away = isFault(error, "SERVICE_UNAVAILABLE") || isFault(error, "SHUTTING_DOWN");
			if (!again || !away || error.domain !== "rpc" || attempt > RETRIES) throw error;
			await sleep(RETRY_MS);
		}
	}
}
