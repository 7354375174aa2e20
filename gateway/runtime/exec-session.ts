/**
 * What is known of a process that runs beside a container's own: its folder has the process id, so that a gateway that comes after
 * one that was killed can end it.
 *
 * runc makes each such process the leader of a session and a process group, and what it starts is in that group unless it leaves it.
 */
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isErrno } from "#lib/linux/libc.ts";
import { processesOf } from "./cgroups.ts";

const ATTEMPTS = 100;
const PAUSE_MS = 10;

export class ExecSession {
	readonly #dir: string;
	readonly #container: string;

	private constructor(dir: string, container: string) {
		this.#dir = dir;
		this.#container = container;
	}

	/** `parent` holds the folders of all sessions. */
	static async open(parent: string, container: string): Promise<ExecSession> {
		await mkdir(parent, { recursive: true, mode: 0o700 });
		return new ExecSession(await mkdtemp(join(parent, `${container}.`)), container);
	}

	/** Those that a former gateway left. */
	static async left(parent: string): Promise<ExecSession[]> {
		const names = await readdir(parent).catch((error: unknown) => {
			if (isErrno(error, "ENOENT")) return [];
			throw error;
		});
		return names.map((name) => new ExecSession(join(parent, name), name.slice(0, name.indexOf("."))));
	}

	/** Where runc writes what went wrong; the process cannot write to it. */
	get logPath(): string {
		return join(this.#dir, "log");
	}

	/** Where runc writes the process's id, as the host counts. */
	get pidPath(): string {
		return join(this.#dir, "pid");
	}

	/** SIGTERM for what its process has started: that one gets it through runc. */
	async terminate(): Promise<void> {
		const leader = await this.#group();
		for (const pid of await this.#members(leader)) if (pid !== leader) kill(pid, "SIGTERM");
	}

	/**
	 * Kills what is left of its process group. Only processes in the container's own cgroup are looked at.
	 *
	 * Asked again until there is none: runc tells the process's id a moment after it has let it go, and a list that is read while
	 * processes fork may lack one.
	 */
	async end(): Promise<void> {
		let wasNone = false;
		for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
			const group = await this.#group();
			const members = await this.#members(group);
			if (group > 0 && members.length === 0 && wasNone) return;
			wasNone = group > 0 && members.length === 0;
			for (const pid of members) kill(pid, "SIGKILL");
			await sleep(PAUSE_MS);
		}
	}

	/** 0: runc has not told it yet. */
	async #group(): Promise<number> {
		return Number(await readFile(this.pidPath, "utf8").catch(() => ""));
	}

	async #members(group: number): Promise<number[]> {
		if (group === 0) return [];
		const pids = await processesOf(this.#container);
		const stats = await Promise.all(pids.map(stat));
		return pids.filter((_, index) => isRunningIn(group, stats[index] ?? ""));
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await rm(this.#dir, { recursive: true, force: true, maxRetries: 5 }); // runc may be writing into it
	}
}

function stat(pid: number): Promise<string> {
	return readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
}

/** proc_pid_stat(5), fields 3 and 5: behind the program's name in parentheses, which may contain anything. */
function isRunningIn(group: number, text: string): boolean {
	const [state, , processGroup] = text.slice(text.lastIndexOf(")") + 2).split(" ");
	return Number(processGroup) === group && state !== "Z";
}

function kill(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
	try {
		process.kill(pid, signal);
	} catch (error) {
		if (!isErrno(error, "ESRCH")) throw error;
	}
}
