/** Control groups of containers: for what the runtime leaves behind. */
import { readdir, readFile, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { cgroupFolders } from "#lib/linux/cgroups.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { cgroupPath } from "./oci-config.ts";

/** True when nothing of it is left. A group whose processes are still ending stays for now. */
export async function removeCgroups(id: string): Promise<boolean> {
	const removed = await Promise.all(cgroupFolders(cgroupPath(id)).map(removeOne));
	return removed.every(Boolean);
}

/** The processes in its control group, as the host counts them. */
export async function processesOf(id: string): Promise<number[]> {
	const files = cgroupFolders(cgroupPath(id)).map((folder) => join(folder, "cgroup.procs"));
	const texts = await Promise.all(files.map((file) => readFile(file, "utf8").catch(() => "")));
	return [...new Set(texts.flatMap((text) => text.split("\n")).filter((line) => line !== ""))].map(Number);
}

/** The group that all containers' groups are in, when it is empty: other instances of wharf on the machine share it. */
export async function removeParentCgroups(): Promise<void> {
	await Promise.all(cgroupFolders(cgroupPath("")).map(removeOne));
}

/** Its own groups first: systemd or a container's program may have made some. */
async function removeOne(path: string): Promise<boolean> {
	const inner = await readdir(path, { withFileTypes: true }).catch(() => undefined);
	if (inner === undefined) return true;
	if (path.endsWith("/wharf/")) return rmdirIfEmpty(path);
	for (const { name } of inner.filter((entry) => entry.isDirectory())) await removeOne(join(path, name));
	return rmdirIfEmpty(path);
}

async function rmdirIfEmpty(path: string): Promise<boolean> {
	try {
		await rmdir(path);
		return true;
	} catch (error) {
		if (isErrno(error, "ENOENT")) return true;
		if (isErrno(error, "EBUSY", "ENOTEMPTY")) return false;
		throw error;
	}
}
