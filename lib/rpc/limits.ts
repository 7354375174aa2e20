/** How large a message may be. */
import type { Fault } from "#lib/fault/fault.ts";
import { methodName } from "./definition.ts";
import { rpcFaults } from "./faults.ts";

/** Of one message, both ways. Backups travel in frames of less, lists are paged. */
export const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;
/** Of one that travels in a pipeline's: with its envelope it is still a message. */
export const MAX_PIPELINED_BYTES = MAX_MESSAGE_BYTES - 64 * 1024;

/** Of a message of the method at `path` that is larger than that. */
export function tooLarge(path: string): Fault {
	return rpcFaults.MESSAGE_TOO_LARGE({ method: methodName(path), max: String(MAX_PIPELINED_BYTES) });
}
