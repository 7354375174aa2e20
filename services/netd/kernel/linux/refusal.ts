/** The kernel's refusals as faults: what was to be done, and the kernel's own words. */
import { Fault } from "#lib/fault/fault.ts";
import { faults } from "../../faults.ts";

/** Runs `body`; what the kernel refuses in it is a Fault KERNEL_REFUSED that says `what` was to be done. */
export function refusal<T>(what: string, body: () => T): T {
	try {
		return body();
	} catch (error) {
		throw refused(what, error);
	}
}

export async function refusalAside<T>(what: string, body: () => Promise<T>): Promise<T> {
	try {
		return await body();
	} catch (error) {
		throw refused(what, error);
	}
}

function refused(what: string, error: unknown): unknown {
	if (error instanceof Fault || !(error instanceof Error)) return error;
	// nft marks the place in the command on further lines.
	const words = error.message.replace(/^Error: /, "").replace(/\n.*/s, "");
	return faults.KERNEL_REFUSED({ what, words }, { cause: error });
}
