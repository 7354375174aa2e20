/** A view in the kernel's words, and what the kernel refused in volumed's. */
import { MountRefused } from "#lib/linux/mount/mount-refused.ts";
import type { Origin, Sight } from "#lib/linux/mount/origin.ts";
import type { IdMap } from "#lib/linux/mount/user-namespace.ts";
import type { Fault } from "#lib/fault/fault.ts";
import type { BindRecursion, MountPropagation } from "../attachment.ts";
import { volumeFaults } from "../faults.ts";
import { Silence, SILENT } from "./looking.ts";
import type { Shown, View } from "./views.ts";

const PROPAGATION = {
	private: { propagation: "private", deep: false },
	rprivate: { propagation: "private", deep: true },
	shared: { propagation: "shared", deep: false },
	rshared: { propagation: "shared", deep: true },
	slave: { propagation: "slave", deep: false },
	rslave: { propagation: "slave", deep: true },
} as const satisfies Readonly<Record<MountPropagation, Pick<Sight, "propagation" | "deep">>>;

const READ_ONLY: Readonly<Record<BindRecursion, Sight["readOnly"]>> = {
	enabled: "all",
	readonly: "all",
	disabled: "all",
	writable: "top",
};

export function originOf({ origin, subpath }: Shown): Origin {
	return { path: origin, subpath };
}

export function sightOf({ readOnly, recursion, propagation }: View): Sight {
	return {
		recursive: recursion !== "disabled",
		readOnly: readOnly ? READ_ONLY[recursion] : "no",
		...PROPAGATION[propagation],
	};
}

/** Undefined: owners are seen as they are. Groups that nothing is said of are as the users. */
export function idMapOf({ owners }: View): IdMap | undefined {
	if (owners === undefined) return undefined;
	const { uids, gids } = owners;
	return { uids, gids: gids.length === 0 ? uids : gids };
}

/** Any other error as it is. `destination` says it of the place that was given. */
export function viewFault(
	{ origin, subpath }: Shown,
	error: unknown,
	{ pid = 0, destination }: { readonly pid?: number | undefined; readonly destination: (problem: string) => Fault },
): unknown {
	if (error instanceof Silence)
		return volumeFaults.INVALID_SOURCE({ path: error.message, problem: SILENT }, { cause: error });
	if (!(error instanceof MountRefused)) return error;
	const { part, problem } = error;
	switch (part) {
		case "origin":
			return volumeFaults.SOURCE_NOT_FOUND({ path: origin }, { cause: error });
		case "subpath":
			return volumeFaults.SUBPATH_REFUSED({ subpath, origin, problem }, { cause: error });
		case "owners":
			return volumeFaults.CANNOT_MAP_OWNERS({ path: origin, problem }, { cause: error });
		case "process":
			return volumeFaults.PROCESS_NOT_FOUND({ pid: String(pid) }, { cause: error });
		case "destination":
			return destination(problem);
		case "silent":
			return volumeFaults.INVALID_SOURCE({ path: origin, problem }, { cause: error });
		case "kernel":
			return volumeFaults.KERNEL_REFUSED({ what: `mounting ${origin}`, problem }, { cause: error });
	}
}
