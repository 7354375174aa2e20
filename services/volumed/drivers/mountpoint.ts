/** What is mounted at and below directories of ours: asked of the kernel each time, changed on a thread aside. */
import { realpath, statfs } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { killPoint } from "#lib/config/kill-point.ts";
import { run } from "#lib/exec/run.ts";
import type { Aside } from "#lib/linux/aside.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { findMount, type Mount, mountinfo } from "#lib/linux/mount/mountinfo.ts";
import { volumeFaults } from "../faults.ts";
import { atSystem } from "../kernel/system-fault.ts";
import { LOCAL_TYPES } from "./local-options.ts";

/** A server that is there answers sooner. */
const ANSWER_MS = 5_000;
/** So many may lie above each other before something else must be mounting them. */
const MOST_STACKED = 64;

/** The uppermost mount at the directory, which itself is not touched: a dead one would keep whoever does. */
export async function mountAt(path: string): Promise<Mount | undefined> {
	const seen = await asSeen(path);
	return seen === undefined ? undefined : findMount(seen);
}

/** What shows another file system now than the one that was mounted, or none: its server or its source is gone. */
export async function isAlive({ target, type, root }: Mount): Promise<boolean> {
	if (root.endsWith("//deleted")) return false;
	try {
		if (LOCAL_TYPES.has(type)) await statfs(target);
		// Whoever asks a dead server waits as long as it is dead: a process can be ended meanwhile.
		else await run("stat", ["-f", "-c", "%t", "--", target], { timeoutMs: ANSWER_MS });
		return true;
	} catch {
		return false;
	}
}

/** Nothing is mounted at the directory or below it any more; what is busy leaves the tree at once. Faults: KERNEL_REFUSED. */
export async function unmountAll(path: string, aside: Aside): Promise<void> {
	const seen = await asSeen(path);
	if (seen === undefined) return;
	for (let left = MOST_STACKED; left > 0; left--) {
		const last = mountinfo().findLast(({ target }) => target === seen || target.startsWith(`${seen}/`));
		if (last === undefined) return;
		await detach(last.target, aside);
		killPoint("volumed.local.unmount");
	}
	throw volumeFaults.KERNEL_REFUSED({ what: `unmounting ${path}`, problem: "it is still mounted" });
}

/** What it held is written by its end, and that may take longer than anybody waits: it is out of the tree before. */
async function detach(target: string, aside: Aside): Promise<void> {
	await atSystem(`unmounting ${target}`, target, async () => {
		try {
			await aside.call("unmount", target, { detach: true });
		} catch (error) {
			if (!isErrno(error, "ETIMEDOUT")) throw error;
		}
	});
}

/** The path as mountinfo has it, and itself not touched: what is mounted there may be dead. Undefined: there is no such directory. */
export async function asSeen(path: string): Promise<string | undefined> {
	try {
		return join(await realpath(dirname(path)), basename(path));
	} catch (error) {
		if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
		throw error;
	}
}
