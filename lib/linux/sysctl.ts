/** Kernel settings under /proc/sys; those under `net/` are each namespace's own. */
import { readFileSync, writeFileSync } from "node:fs";
import { inNetnsOrHere } from "./netns.ts";
import { procSys } from "./proc-sys.ts";

/**
 * Writes a setting in the namespace at `netns`, or in the thread's own.
 *
 * `name` is the path below /proc/sys ("net/ipv4/conf/eth0.7/forwarding"): with dots between, an interface's own would be
 * ambiguous. The file is opened inside, since it is the opening that chooses the namespace.
 */
export function writeSysctl(netns: string | undefined, name: string, value: string | number): void {
	inNetnsOrHere(netns, () => writeFileSync(pathOf(name), String(value)));
}

/** The setting's value, without the end of line. ENOENT when the kernel or the interface has no such setting. */
export function readSysctl(netns: string | undefined, name: string): string {
	return inNetnsOrHere(netns, () => readFileSync(pathOf(name), "utf8").trimEnd());
}

function pathOf(name: string): string {
	if (name.split("/").some((part) => part === "" || part === "." || part === "..")) {
		throw new RangeError(`not a setting below /proc/sys: ${name}`);
	}
	return `${procSys()}/${name}`;
}
