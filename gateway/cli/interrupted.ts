/** A command that was given up by its user is no failure: it has the status that shells give to a program that a signal ended. */
import { constants } from "node:os";
import { isFault } from "#lib/fault/fault.ts";
import type { Terminal } from "./terminal.ts";

/** Runs `body` as long as its user does not give it up; then `words` tell what that left. Answers the exit status. */
export async function untilInterrupted(
	terminal: Terminal,
	words: string,
	body: (signal: AbortSignal) => Promise<number>,
): Promise<number> {
	const signal = terminal.interruptible();
	try {
		return await body(signal);
	} catch (error) {
		const status = interruptedStatus(error, signal);
		if (status === undefined) throw error;
		await terminal.err(`wharf: Interrupted${words}.\n`);
		return status;
	}
}

/** Undefined when `error` is about something else than `signal`, which is the terminal's. */
export function interruptedStatus(error: unknown, signal: AbortSignal): number | undefined {
	if (!signal.aborted || !isFault(error, "CANCELLED")) return undefined;
	const name = signal.reason as NodeJS.Signals; // process-terminal.ts gives it
	return 128 + constants.signals[name];
}
