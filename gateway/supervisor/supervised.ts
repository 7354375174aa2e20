/** One program under supervision: started, asked until it answers, started again when it dies, and ended in good order. */
import { closeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Paths } from "#lib/config/paths.ts";
import { type Child, start } from "#lib/exec/run.ts";
import type { Log } from "#lib/log/log.ts";
import { processStart } from "../runtime/process-start.ts";
import { lastWords, openLog } from "./log-file.ts";
import { afterEnd, afterServing, type History, NO_HISTORY } from "./restart-policy.ts";
import type { ServiceName, ServiceState } from "./state-file.ts";

export interface Program {
	readonly name: ServiceName;
	readonly file: string;
	readonly args: readonly string[];
	readonly env: Readonly<Record<string, string>>;
	/** Whether it does its work. */
	readonly answers: () => Promise<boolean>;
}

const ASK_EVERY_MS = 20;
/** A start that takes longer is a failure: it is ended and counts as a death. */
const START_MS = 60_000;
/** Services end within what lib/rpc and lib/daemon allow themselves. */
const END_MS = 20_000;

export class Supervised {
	readonly name: ServiceName;
	readonly #program: Program;
	readonly #paths: Paths;
	readonly #log: Log;
	readonly #changed: () => void;
	readonly #stopping = new AbortController();
	#state: ServiceState;
	#child: Child | undefined;
	#running: Promise<void> | undefined;

	constructor(program: Program, paths: Paths, log: Log, changed: () => void) {
		this.#program = program;
		this.name = program.name;
		this.#paths = paths;
		this.#log = log;
		this.#changed = changed;
		const since = Date.now();
		this.#state = {
			name: program.name,
			state: "waiting",
			pid: 0,
			pidStart: "",
			since,
			startMs: 0,
			restarts: 0,
			problem: "",
		};
	}

	get state(): ServiceState {
		return this.#state;
	}

	/** Resolves when it serves for the first time; false: it was given up. */
	start(): Promise<boolean> {
		const first = Promise.withResolvers<boolean>();
		this.#running = this.#keep(first.resolve).catch((error: unknown) => {
			this.#log.error("supervision failed", { service: this.name, err: error });
			first.resolve(false);
		});
		return first.promise;
	}

	async stop(): Promise<void> {
		this.#stopping.abort();
		const child = this.#child;
		if (child !== undefined) {
			child.kill("SIGTERM");
			const late = setTimeout(() => child.kill("SIGKILL"), END_MS);
			await child.done.catch(() => undefined);
			clearTimeout(late);
		}
		await this.#running;
		if (this.#state.state !== "failed") this.#set({ state: "stopped", pid: 0, pidStart: "" });
	}

	async #keep(first: (served: boolean) => void): Promise<void> {
		const { signal } = this.#stopping;
		let history: History = NO_HISTORY;
		while (!signal.aborted) {
			const startedAt = Date.now();
			const served = await this.#runOnce(() => {
				history = afterServing(history);
				first(true);
			});
			if (signal.aborted) break;
			const after = afterEnd(history, served ? Date.now() - startedAt : 0);
			({ history } = after);
			const problem = lastWords(this.#paths, this.name);
			this.#log.warn("service ended", { service: this.name, problem, failures: history.failures });
			if (!after.decision.restart) {
				this.#set({ state: "failed", pid: 0, pidStart: "", problem });
				break;
			}
			this.#set({ state: "restarting", pid: 0, pidStart: "", problem, restarts: this.#state.restarts + 1 });
			await sleep(after.decision.delayMs, undefined, { signal }).catch(() => undefined);
		}
		first(false);
	}

	/** From start to end; true when it ever answered. */
	async #runOnce(serving: () => void): Promise<boolean> {
		const { file, args } = this.#program;
		// A test's kill point is passed once: the service that comes back has to live.
		const env = this.#state.restarts === 0 ? this.#program.env : { ...this.#program.env, WHARF_KILL_POINT: "" };
		const startedAt = performance.now();
		const log = openLog(this.#paths, this.name);
		// The pipe at its stdin ends with this process, and the service with it.
		const child = start(file, args, { env, stdin: "pipe", stdout: log, stderr: log, outlive: true });
		closeSync(log);
		this.#child = child;
		const pid = child.pid ?? 0;
		if (pid > 0) child.stdin.on("error", () => undefined); // it may end first
		this.#set({ state: "starting", pid, pidStart: processStart(pid) ?? "" });
		const over = new AbortController();
		const done = child.done
			.catch((error: unknown) => this.#log.error("service could not be started", { service: this.name, err: error }))
			.then(() => over.abort());
		const given = AbortSignal.any([over.signal, this.#stopping.signal]);
		let served = false;
		while (!served && !given.aborted) {
			served = await this.#program.answers();
			if (served) break;
			if (performance.now() - startedAt > START_MS) child.kill("SIGKILL");
			await Promise.race([sleep(ASK_EVERY_MS), done]);
		}
		if (served && !over.signal.aborted) {
			this.#set({ state: "serving", startMs: Math.round(performance.now() - startedAt), problem: "" });
			serving();
		}
		await done;
		this.#child = undefined;
		return served;
	}

	#set(change: Partial<ServiceState>): void {
		const since = change.state === undefined || change.state === this.#state.state ? this.#state.since : Date.now();
		this.#state = { ...this.#state, since, ...change };
		this.#changed();
	}
}
