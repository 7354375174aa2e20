/** Control groups as folders: those of cgroup v1, of v2, or of both side by side, where systemd and everybody after it mounts them. Source: cgroups(7). */
import { readdir, statfs } from "node:fs/promises";
import { join, posix } from "node:path";
import { isErrno } from "./libc.ts";

const MOUNTS = "/sys/fs/cgroup";
/** CGROUP2_SUPER_MAGIC, statfs(2). */
const CGROUP2 = 0x6367_7270;

/**
 * The folders that a group may have, there or not: one in each v1 controller's hierarchy, one in v2's; none where no hierarchy is mounted.
 * `path` is the group's within each hierarchy, as OCI's `cgroupsPath` is; one that is not absolute or would lead out is a RangeError.
 */
export async function cgroupFolders(path: string): Promise<string[]> {
	if (!posix.isAbsolute(path) || path.includes("\0") || path.split("/").includes(".."))
		throw new RangeError(`not a control group: ${JSON.stringify(path)}`);
	return (await hierarchies()).map((root) => join(root, path));
}

async function hierarchies(): Promise<string[]> {
	try {
		if ((await statfs(MOUNTS)).type === CGROUP2) return [MOUNTS];
		const names = await readdir(MOUNTS, { withFileTypes: true });
		return names.filter((entry) => entry.isDirectory()).map(({ name }) => join(MOUNTS, name));
	} catch (error) {
		if (isErrno(error, "ENOENT")) return [];
		throw error;
	}
}
