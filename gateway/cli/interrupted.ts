/** A command that was given up by its user is no failure: it has the status that shells give to a program that a signal ended. */
import { constants } from "node:os";
import { isFault } from "#lib/fault/fault.ts";

/** Undefined when `error` is about something else than `signal`, which is the terminal's. */
export function interruptedStatus(error: unknown, signal: AbortSignal): number | undefined {
	if (!signal.aborted || !isFault(error, "CANCELLED")) return undefined;
	const name = signal.reason as NodeJS.Signals; // process-terminal.ts gives it
	return 128 + constants.signals[name];
}
