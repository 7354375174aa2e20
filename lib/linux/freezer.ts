/**
 * Stopping all processes of a control group, and letting them go on: by v2's `cgroup.freeze`, or v1's controller `freezer`. Where both are
 * mounted the group may be in both, and it is v1's unless its processes are in v2's alone.
 *
 * What is done to the groups' files is done at once: they are the kernel's memory, and Node's threads may all be waiting for files of
 * others, while those who stand still wait for them.
 *
 * Sources: Documentation/admin-guide/cgroup-v2.rst (`cgroup.freeze`), cgroup-v1/freezer-subsystem.rst.
 */
import { accessSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, normalize } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cgroupFolders } from "./cgroups.ts";
import { isErrno, LinuxError } from "./libc.ts";

/** By the group's own setting: one below a frozen group is `thawed`, although its processes have stopped. */
export type FreezerState = "absent" | "thawed" | "frozen";

const EDEADLK = 35;
const EOPNOTSUPP = 95;
const ETIMEDOUT = 110;

const LONGEST_SLEEP_MS = 10;
/** After so many looks at v1's group it goes on for a moment. */
const STUCK_LOOKS = 25;

/** How a version of control groups has it. */
interface Version {
	/** Only a group that can be frozen has this file; the uppermost one cannot. */
	readonly file: string;
	/** The line of `/proc/<pid>/cgroup` that has the process's group. */
	readonly line: RegExp;
	isSet(folder: string): boolean;
	set(folder: string, frozen: boolean): void;
	haveStopped(folder: string): boolean;
	hasProcesses(folder: string): boolean;
}

const V1: Version = {
	file: "freezer.state",
	line: /^\d+:(?:[^:\n]*,)?freezer(?:,[^:\n]*)?:(.*)$/m,
	isSet: (folder) => textOf(folder, "freezer.self_freezing").trim() === "1",
	set: (folder, frozen) => writeFileSync(join(folder, "freezer.state"), frozen ? "FROZEN" : "THAWED"),
	haveStopped: (folder) => textOf(folder, "freezer.state").trim() === "FROZEN",
	hasProcesses: (folder) => {
		if (textOf(folder, "cgroup.procs") !== "") return true;
		for (const entry of readdirSync(folder, { withFileTypes: true }))
			if (entry.isDirectory() && V1.hasProcesses(join(folder, entry.name))) return true;
		return false;
	},
};

const V2: Version = {
	file: "cgroup.freeze",
	line: /^0::(.*)$/m,
	isSet: (folder) => textOf(folder, "cgroup.freeze").trim() === "1",
	set: (folder, frozen) => writeFileSync(join(folder, "cgroup.freeze"), frozen ? "1" : "0"),
	haveStopped: (folder) => /^frozen 1$/m.test(textOf(folder, "cgroup.events")),
	hasProcesses: (folder) => /^populated 1$/m.test(textOf(folder, "cgroup.events")),
};

interface Group {
	readonly folder: string;
	readonly version: Version;
}

/**
 * What the group is now. Errors of all that is here: RangeError for a path that is none of a group (`cgroups.ts`); EOPNOTSUPP for the
 * uppermost group, and where no control groups are to be seen; else the kernel's own.
 */
export async function observeFreezer(path: string): Promise<FreezerState> {
	return ifThere(async () => stateOf(groupsOf(path)));
}

/**
 * Resolves when every process in the group and below it has stopped, with what the group was before: one that was `frozen` already is
 * somebody else's to thaw, and one that is absent has no process. Rejects when they have not all stopped within `boundMs` (ETIMEDOUT: a
 * process waits in the kernel and cannot be stopped), when the signal aborts, and for a group that the caller is in itself (EDEADLK);
 * then the group is thawed again, unless somebody else had frozen it.
 */
export async function freeze(path: string, boundMs: number, signal?: AbortSignal): Promise<FreezerState> {
	return ifThere(async () => {
		const groups = groupsOf(path);
		const before = stateOf(groups);
		if (before === "absent") return before;
		const group = meant(groups, before);
		refuseOwn(group, path);
		await using undo = new AsyncDisposableStack();
		if (before === "thawed") undo.defer(() => thaw(path));
		await stop(group, before, { path, boundMs, signal });
		undo.move();
		return before;
	});
}

/** Lets the group's processes go on, whoever has stopped them. Idempotent; absent is success. One below a frozen group stays stopped. */
export async function thaw(path: string): Promise<void> {
	for (const { folder, version } of groupsOf(path)) {
		await ifThere(async () => {
			if (version.isSet(folder)) version.set(folder, false);
			return "thawed";
		});
	}
}

async function stop(
	{ folder, version }: Group,
	before: FreezerState,
	{
		path,
		boundMs,
		signal,
	}: { readonly path: string; readonly boundMs: number; readonly signal: AbortSignal | undefined },
): Promise<void> {
	const end = performance.now() + boundMs;
	for (let looks = 1, delayMs = 1; ; looks++, delayMs = Math.min(2 * delayMs, LONGEST_SLEEP_MS)) {
		signal?.throwIfAborted();
		// Again each time: v1 misses what comes into the group while it stops the others.
		if (before === "thawed") version.set(folder, true);
		if (version.haveStopped(folder)) return;
		if (performance.now() >= end) throw new LinuxError(ETIMEDOUT, `freezing ${path}`);
		// A program with several threads that becomes another one waits for those that v1 has stopped already, and cannot be stopped itself.
		if (before === "thawed" && version === V1 && looks % STUCK_LOOKS === 0) version.set(folder, false);
		await sleep(delayMs);
	}
}

/** Those that are there and can be frozen, v1's first. */
function groupsOf(path: string): Group[] {
	const folders = cgroupFolders(path);
	if (folders.length === 0 || normalize(path) === "/") throw new LinuxError(EOPNOTSUPP, `freezing ${path}`);
	const all = [V1, V2].flatMap((version) => folders.map((folder) => ({ folder, version })));
	return all.filter(({ folder, version }) => isThere(join(folder, version.file)));
}

function stateOf(groups: readonly Group[]): FreezerState {
	for (const { folder, version } of groups) if (version.isSet(folder)) return "frozen";
	return groups.length === 0 ? "absent" : "thawed";
}

/** The one that somebody has frozen, else the first that has processes, else the first. */
function meant(groups: readonly Group[], state: FreezerState): Group {
	for (const group of groups) {
		const { folder, version } = group;
		if (state === "frozen" ? version.isSet(folder) : version.hasProcesses(folder)) return group;
	}
	const [first] = groups;
	if (first === undefined) throw new Error("a group that is there has a folder");
	return first;
}

/** Whoever stops himself never lets anybody go on. */
function refuseOwn({ version }: Group, path: string): void {
	const [, own = "/"] = version.line.exec(readFileSync("/proc/self/cgroup", "utf8")) ?? [];
	if (`${own}/`.startsWith(join(path, "/"))) throw new LinuxError(EDEADLK, `freezing ${path}`);
}

/** A group that goes meanwhile has no process any more. */
async function ifThere(body: () => Promise<FreezerState>): Promise<FreezerState> {
	try {
		return await body();
	} catch (error) {
		if (isErrno(error, "ENOENT", "ENODEV")) return "absent";
		throw error;
	}
}

function textOf(folder: string, name: string): string {
	return readFileSync(join(folder, name), "utf8");
}

function isThere(path: string): boolean {
	try {
		accessSync(path);
		return true;
	} catch (error) {
		if (isErrno(error, "ENOENT")) return false;
		throw error;
	}
}
