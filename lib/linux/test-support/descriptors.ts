import { readdirSync, readlinkSync } from "node:fs";
import { isErrno } from "../libc.ts";

/** What a process's descriptors are, by the kernel's words. Nothing of it is looked at itself: it may be where nobody answers. */
export function descriptorTargets(pid: number | "self" = "self"): string[] {
	const folder = `/proc/${pid}/fd`;
	return readdirSync(folder).flatMap((fd) => {
		try {
			return readlinkSync(`${folder}/${fd}`);
		} catch (error) {
			if (isErrno(error, "ENOENT")) return []; // the one that lists, and whatever was closed since
			throw error;
		}
	});
}
