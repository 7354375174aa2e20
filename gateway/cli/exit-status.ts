/** Docker's exit statuses of `run`, `start` and `exec` for what kept the program from running. */
import { Fault } from "#lib/fault/fault.ts";

const WHARF_FAILED = 125;
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;

export function exitStatusOf(error: unknown): number {
	if (!(error instanceof Fault)) return WHARF_FAILED;
	if (error.reason === "COMMAND_NOT_FOUND") return NOT_FOUND;
	return error.reason === "COMMAND_NOT_EXECUTABLE" ? NOT_EXECUTABLE : WHARF_FAILED;
}
