import { Fault } from "#lib/fault/fault.ts";
import { methodName } from "./definition.ts";
import { rpcFaults } from "./faults.ts";

/** What to throw when the caller's own signal ended a call: its reason, as a fault. */
export function cancelledBy(signal: AbortSignal, path: string): Fault {
	if (signal.reason instanceof Fault) return signal.reason;
	return rpcFaults.CANCELLED({ method: methodName(path) }, { cause: signal.reason });
}
