/** Control groups as folders: those of cgroup v1, of v2, or of both side by side, where systemd and everybody after it mounts them. Source: cgroups(7). */
import { readdirSync, statfsSync } from "node:fs";
import { join, posix } from "node:path";
import { isErrno } from "./libc.ts";

const MOUNTS = "/sys/fs/cgroup";
/** CGROUP2_SUPER_MAGIC, statfs(2). */
const CGROUP2 = 0x6367_7270;

/**
 * The folders that a group may have, there or not: one in each v1 controller's hierarchy, one in v2's; none where no hierarchy is mounted.
 * `path` is the group's within each hierarchy, as OCI's `cgroupsPath` is; one that is not absolute or would lead out is a RangeError.
 */
export function cgroupFolders(path: string): string[] {
	if (!posix.isAbsolute(path) || path.includes("\0") || path.split("/").includes(".."))
		throw new RangeError(`not a control group: ${JSON.stringify(path)}`);
	return hierarchies().map((root) => join(root, path));
}

function hierarchies(): string[] {
	try {
		if (statfsSync(MOUNTS).type === CGROUP2) return [MOUNTS];
		const names = readdirSync(MOUNTS, { withFileTypes: true });
		return names.filter((entry) => entry.isDirectory()).map(({ name }) => join(MOUNTS, name));
	} catch (error) {
		if (isErrno(error, "ENOENT")) return [];
		throw error;
	}
}
