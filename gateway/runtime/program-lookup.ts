/**
 * Whether a container has a program, looked up as its kernel would: along PATH, through links that never leave its root, through its mounts.
 *
 * Asked after a start failed: it says why in a word that does not depend on the runtime's English.
 */
import { lstatSync, readlinkSync } from "node:fs";
import { join } from "node:path";

export type Lookup = "found" | "not-found" | "not-executable";

/** Where a path of the container is on this host; undefined: nowhere. */
export type HostPath = (path: string) => string | undefined;

const MAX_LINKS = 40;
const EXECUTE_BITS = 0o111;

export function lookUp(command: string, pathVariable: string, hostPath: HostPath): Lookup {
	if (command === "") return "not-found";
	const candidates = command.includes("/")
		? [join("/", command)]
		: pathVariable.split(":").map((folder) => join("/", folder, command));
	const found = candidates.map((candidate) => kindOf(candidate, hostPath));
	if (found.includes("found")) return "found";
	return found.includes("not-executable") ? "not-executable" : "not-found";
}

function kindOf(path: string, hostPath: HostPath): Lookup {
	const real = resolveInside(path, hostPath);
	const stat = real === undefined ? undefined : statOf(real, hostPath);
	if (stat === undefined) return "not-found";
	return stat.isFile() && (stat.mode & EXECUTE_BITS) !== 0 ? "found" : "not-executable";
}

/** The container's path without links; undefined when something on the way is missing. */
function resolveInside(path: string, hostPath: HostPath): string | undefined {
	let done = "/";
	const left = path.split("/").filter((part) => part !== "");
	for (let links = 0; left.length > 0; ) {
		const part = left.shift() ?? "";
		const next = join(done, part);
		const stat = statOf(next, hostPath);
		if (stat === undefined) return undefined;
		if (!stat.isSymbolicLink()) {
			done = next;
			continue;
		}
		if (++links > MAX_LINKS) return undefined;
		const target = readlinkSync(hostPath(next) ?? next);
		if (target.startsWith("/")) done = "/";
		left.unshift(...target.split("/").filter((one) => one !== ""));
	}
	return done;
}

function statOf(path: string, hostPath: HostPath) {
	const real = hostPath(path);
	if (real === undefined) return undefined;
	try {
		return lstatSync(real, { throwIfNoEntry: false });
	} catch {
		return undefined; // ENOTDIR, EACCES, ELOOP: the kernel would not find it either
	}
}

interface Mounted {
	readonly destination: string;
	readonly type: string;
	readonly source: string;
}

/** The paths of a container that does not run: its root file system with its mounts over it. */
export function hostPathOf(rootfs: string, mounts: readonly Mounted[]): HostPath {
	const inner = mounts.toSorted((a, b) => b.destination.length - a.destination.length);
	return (path) => {
		const over = inner.find(({ destination }) => path === destination || path.startsWith(`${destination}/`));
		if (over === undefined) return join(rootfs, path);
		return over.type === "bind" ? join(over.source, path.slice(over.destination.length)) : undefined;
	};
}
