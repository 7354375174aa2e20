/** The runtime: runc, with conmon beside each container. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { killPoint } from "#lib/config/kill-point.ts";
import { run } from "#lib/exec/run.ts";
import type { Log } from "#lib/log/log.ts";
import { removeCgroups } from "./cgroups.ts";
import { conmonLives, runtimeWords, startConmon } from "./conmon.ts";
import { ExitFiles } from "./exit-files.ts";
import { ExecSession } from "./exec-session.ts";
import { execInside } from "./exec-inside.ts";
import type { OciConfig } from "./oci-config.ts";
import { processStart } from "./process-start.ts";
import {
	type Bundle,
	type ExecOptions,
	type ExecPart,
	type Process,
	type Runtime,
	RuntimeError,
	type RuntimeState,
} from "./runtime.ts";

export interface RuncOptions {
	/** runc's program, an absolute path. */
	readonly program: string;
	/** Where runc keeps what it knows, for this instance alone. */
	readonly stateDir: string;
	readonly exitDir: string;
	/** Holds what is known of processes beside the containers' own. */
	readonly execDir: string;
	readonly log: Log;
}

interface Listed {
	readonly id: string;
	readonly status: string;
	readonly pid: number;
}

const REMOVE_ATTEMPTS = 50;
const REMOVE_RETRY_MS = 20;
/** For as long as a pause lasts at most. */
const START_ATTEMPTS = 100;
const START_RETRY_MS = 50;

export class Runc implements Runtime {
	readonly #options: RuncOptions;
	readonly #globalArgs: readonly string[];
	readonly #exits: ExitFiles;

	constructor(options: RuncOptions) {
		this.#options = options;
		this.#globalArgs = ["--root", options.stateDir, "--log-format", "json"];
		this.#exits = new ExitFiles(options.exitDir);
	}

	async create(bundle: Bundle, config: OciConfig): Promise<Process> {
		await mkdir(this.#options.exitDir, { recursive: true });
		await this.#exits.remove(bundle.id);
		await writeFile(join(bundle.dir, "config.json"), JSON.stringify(config), { mode: 0o600 });
		const { program: runtime, exitDir, log } = this.#options;
		const pid = await startConmon(bundle, { runtime, runtimeArgs: this.#globalArgs, exitDir });
		killPoint("runtime.create");
		const start = processStart(pid);
		if (start === undefined) throw new RuntimeError("the process ended before it was let go");
		log.change("container.create", { id: bundle.id, pid });
		return { pid, start };
	}

	async start(id: string): Promise<void> {
		for (let attempt = 1; !(await this.#isStarted(id, attempt < START_ATTEMPTS)); attempt++)
			await sleep(START_RETRY_MS);
		killPoint("runtime.start");
		this.#options.log.change("container.start", { id });
	}

	async kill(id: string, signal: "TERM" | "KILL"): Promise<void> {
		try {
			await this.#runc(["kill", id, signal]);
		} catch (error) {
			// It may have ended by itself.
			const now = (await this.observe()).get(id);
			if (now !== undefined && now.status !== "stopped") throw error;
		}
		this.#options.log.change("container.kill", { id, signal });
	}

	async remove(id: string): Promise<void> {
		await this.#runc(["delete", "--force", id]);
		killPoint("runtime.remove");
		// The cgroup stays busy for a moment after the kill of its last process, and runc gives up before it is over.
		for (let attempt = 1; !(await removeCgroups(id)) && attempt < REMOVE_ATTEMPTS; attempt++)
			await sleep(REMOVE_RETRY_MS);
		this.#options.log.change("container.remove", { id });
	}

	async observe(): Promise<ReadonlyMap<string, RuntimeState>> {
		const text = await this.#runc(["list", "--format", "json"]);
		const listed = (JSON.parse(text === "" ? "null" : text) ?? []) as Listed[];
		return new Map(
			listed.map(({ id, status, pid }) => [
				id,
				status === "created" || status === "running" || status === "paused"
					? { status, pid }
					: { status: "stopped" as const },
			]),
		);
	}

	exec(id: string, options: ExecOptions): AsyncIterable<ExecPart> {
		const { program, execDir: sessionsDir } = this.#options;
		return execInside({ program, globalArgs: this.#globalArgs, id, sessionsDir }, options);
	}

	async endExecs(): Promise<void> {
		for (const left of await ExecSession.left(this.#options.execDir)) {
			await using session = left;
			await session.end();
		}
	}

	exits(signal: AbortSignal): AsyncIterable<{ id: string; exitCode: number }> {
		return this.#exits.follow(signal);
	}

	async ended({ id, dir }: Pick<Bundle, "id" | "dir">): Promise<number | "pending" | "unknown"> {
		// Asked first: a monitor that ends in between has written its file before.
		const watched = await conmonLives(id, dir);
		return (await this.#exits.read(id)) ?? (watched ? "pending" : "unknown");
	}

	forgetExit(id: string): Promise<void> {
		return this.#exits.remove(id);
	}

	/** False: it is to be tried again. runc starts none that is paused, and a backup may have paused it for a moment; it may have gone on by now. */
	async #isStarted(id: string, mayTryAgain: boolean): Promise<boolean> {
		try {
			await this.#runc(["start", id]);
			return true;
		} catch (error) {
			const status = (await this.observe()).get(id)?.status;
			if (mayTryAgain && (status === "paused" || status === "created")) return false;
			throw error;
		}
	}

	async #runc(args: readonly string[]): Promise<string> {
		const { stdout, stderr, exitCode } = await run(this.#options.program, [...this.#globalArgs, ...args], {
			acceptExit: ANY,
		});
		if (exitCode !== 0) throw new RuntimeError(runtimeWords(stderr));
		return stdout.trim();
	}
}

const ANY = Array.from({ length: 256 }, (_, status) => status);
