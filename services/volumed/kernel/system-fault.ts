/** What the system refused, as a Fault: a full disk is one thing, everything else carries the kernel's words. */
import { Fault } from "#lib/fault/fault.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { volumeFaults } from "../faults.ts";

/** `what` names the act: "making /var/lib/wharf/volumes/x". */
export async function atSystem<T>(what: string, path: string, body: () => Promise<T>): Promise<T> {
	try {
		return await body();
	} catch (error) {
		throw systemFault(what, path, error);
	}
}

export function systemFault(what: string, path: string, error: unknown): unknown {
	if (error instanceof Fault || !(error instanceof Error) || !("code" in error)) return error;
	const problem = error.message;
	if (isErrno(error, "ENOSPC", "EDQUOT")) return volumeFaults.DISK_FULL({ path, problem }, { cause: error });
	return volumeFaults.KERNEL_REFUSED({ what, problem }, { cause: error });
}
