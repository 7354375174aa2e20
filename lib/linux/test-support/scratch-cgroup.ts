/** A control group of a test's own, with processes that count as long as they run; looked at by other roads than the code's. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Of v1 with its freezer, and of v2. */
export type Hierarchy = "v1" | "v2";

const FILES = {
	v1: { set: "freezer.state", frozen: "FROZEN", thawed: "THAWED", isSet: "freezer.self_freezing" },
	v2: { set: "cgroup.freeze", frozen: "1", thawed: "0", isSet: "cgroup.freeze" },
} as const;

/** Where the two are mounted on this machine, if they are. */
const MOUNTS: ReadonlyMap<Hierarchy, string> = findMounts();
const LONGEST_MS = 10_000;
const STEP_MS = 20;

/** Every set of hierarchies that a group may be in on this machine. */
export function layouts(): Hierarchy[][] {
	const there = [...MOUNTS.keys()];
	return there.length > 1 ? [...there.map((one) => [one]), there] : [there];
}

export class ScratchCgroup implements AsyncDisposable {
	/** Within each hierarchy. */
	readonly path: string;
	readonly #folder = mkdtempSync(join(tmpdir(), "wharf-cgroup-"));
	readonly #hierarchies: readonly Hierarchy[];
	readonly #children: ChildProcess[] = [];
	readonly #inner: ScratchCgroup[] = [];

	/** Where a runtime would have it, unless it is said where. */
	constructor(name: string, hierarchies: readonly Hierarchy[] = layouts().at(-1) ?? [], parent = "") {
		this.path = `${parent}/wharf-${name}-${process.pid}`;
		this.#hierarchies = hierarchies;
		for (const folder of this.folders) mkdirSync(folder);
	}

	/** A group in it, which ends with it. */
	inner(name: string): ScratchCgroup {
		const inner = new ScratchCgroup(name, this.#hierarchies, this.path);
		this.#inner.push(inner);
		return inner;
	}

	get folders(): string[] {
		return this.#hierarchies.map((one) => this.#folderIn(one));
	}

	/** A program in the group. */
	spawn(program: string, ...args: string[]): ChildProcess {
		return this.#spawn(this.folders, program, ...args);
	}

	#spawn(folders: readonly string[], program: string, ...args: string[]): ChildProcess {
		const script = `for folder in ${folders.join(" ")}; do echo $$ >$folder/cgroup.procs; done; exec "$@"`;
		const child = spawn("sh", ["-c", script, "sh", program, ...args], { stdio: ["ignore", "pipe", "inherit"] });
		this.#children.push(child);
		return child;
	}

	/** A process that counts and starts others all the time, in all of the group's hierarchies or in these; resolves when it has begun to. */
	async counter(hierarchies = this.#hierarchies): Promise<Counter> {
		const file = join(this.#folder, `count${this.#children.length}`);
		writeFileSync(file, "");
		const loop = 'i=0; while :; do i=$((i + 1)); echo $i >"$0"; sleep 0.005; done';
		const folders = hierarchies.map((one) => this.#folderIn(one));
		this.#spawn(folders, "sh", "-c", loop, file);
		const counter = new Counter(file);
		if (!(await counter.goesOn())) throw new Error("the counter did not start");
		return counter;
	}

	/** As somebody else would, in the first of its hierarchies. */
	set(state: "frozen" | "thawed"): void {
		const [first] = this.#hierarchies;
		if (first === undefined) return;
		const file = join(this.#folderIn(first), FILES[first].set);
		const end = performance.now() + LONGEST_MS;
		// Again until it is: v1 misses what comes into the group while it stops the others.
		do writeFileSync(file, FILES[first][state]);
		while (readFileSync(file, "utf8").trim() !== FILES[first][state] && performance.now() < end);
	}

	/** Of its hierarchies, those in which it is set to be frozen. */
	frozenIn(): Hierarchy[] {
		const isSet = (one: Hierarchy): boolean =>
			readFileSync(join(this.#folderIn(one), FILES[one].isSet), "utf8").trim() === "1";
		return this.#hierarchies.filter(isSet);
	}

	#folderIn(hierarchy: Hierarchy): string {
		return `${MOUNTS.get(hierarchy)}${this.path}`;
	}

	/** Its processes end, and it goes. Idempotent. */
	async end(): Promise<void> {
		this.#thaw();
		for (const inner of this.#inner.splice(0)) await inner[Symbol.asyncDispose]();
		for (const child of this.#children.splice(0)) {
			const over = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined;
			child.kill("SIGKILL");
			await over;
		}
		for (const folder of this.folders) await removeGroup(folder);
	}

	#thaw(): void {
		for (const one of this.#hierarchies) {
			const { set, thawed } = FILES[one];
			if (existsSync(this.#folderIn(one))) writeFileSync(join(this.#folderIn(one), set), thawed);
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.end();
		rmSync(this.#folder, { recursive: true, force: true });
	}
}

export class Counter {
	readonly #file: string;

	constructor(file: string) {
		this.#file = file;
	}

	/** It counts on within some time. */
	async goesOn(): Promise<boolean> {
		const before = this.#text;
		for (let left = LONGEST_MS / STEP_MS; left > 0; left--) {
			await sleep(STEP_MS);
			if (this.#text !== before && this.#text !== "") return true;
		}
		return false;
	}

	/** It does not count for as long as it would count dozens of times. */
	async stands(): Promise<boolean> {
		const before = this.#text;
		await sleep(15 * STEP_MS);
		return this.#text === before;
	}

	get #text(): string {
		return readFileSync(this.#file, "utf8");
	}
}

/** Processes that a killed one has started may need a moment to be gone. */
async function removeGroup(folder: string): Promise<void> {
	for (let left = LONGEST_MS / STEP_MS; ; left--) {
		try {
			for (const pid of readFileSync(join(folder, "cgroup.procs"), "utf8").split("\n").filter(Boolean))
				process.kill(Number(pid), "SIGKILL");
			return rmdirSync(folder);
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
			if (left === 0) throw error;
			await sleep(STEP_MS);
		}
	}
}

function findMounts(): ReadonlyMap<Hierarchy, string> {
	const args = ["--list", "--noheadings", "-o", "TARGET,FSTYPE,FS-OPTIONS", "-t", "cgroup,cgroup2"];
	const rows = execFileSync("findmnt", args, { encoding: "utf8" })
		.split("\n")
		.map((line) => line.split(/\s+/));
	const v1 = rows.find(([, type, options]) => type === "cgroup" && options?.split(",").includes("freezer"))?.[0];
	const v2 = rows.find(([, type]) => type === "cgroup2")?.[0];
	return new Map(
		[["v1", v1] as const, ["v2", v2] as const].flatMap(([one, at]) => (at === undefined ? [] : [[one, at]])),
	);
}
