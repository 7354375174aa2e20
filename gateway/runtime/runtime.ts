/** The port to what runs processes in containers. All of it is idempotent: absent is success. */
import type { OciConfig } from "./oci-config.ts";

/** Where a container's files are on this host. */
export interface Bundle {
	readonly id: string;
	/** Holds config.json, and what the runtime writes beside it. */
	readonly dir: string;
	/** Gets what the process writes, in the format of log-format.ts. */
	readonly logPath: string;
}

export interface Process {
	readonly pid: number;
	/** Tells this process from another one that gets the same pid later, also after a reboot. */
	readonly start: string;
}

export type RuntimeState =
	| { readonly status: "created" | "running" | "paused"; readonly pid: number }
	| { readonly status: "stopped" };

export interface ExecOptions {
	readonly command: readonly string[];
	readonly environment: readonly string[];
	/** Undefined: no input. */
	readonly stdin: AsyncIterable<Uint8Array> | undefined;
	/** Ends the process and its group: SIGTERM, then SIGKILL. */
	readonly signal: AbortSignal;
}

export type ExecPart =
	| { readonly kind: "stdout" | "stderr"; readonly data: Uint8Array }
	| { readonly kind: "exit"; readonly exitCode: number };

export interface Runtime {
	/** Makes namespaces, mounts and cgroup; the process waits to be let go. RuntimeError when it cannot. */
	create(bundle: Bundle, config: OciConfig): Promise<Process>;
	/** Lets the process of a created container go. */
	start(id: string): Promise<void>;
	/** One that does not run is success. */
	kill(id: string, signal: "TERM" | "KILL"): Promise<void>;
	/** Kills what runs, and removes cgroup and state. */
	remove(id: string): Promise<void>;
	/** All containers that the runtime knows. */
	observe(): Promise<ReadonlyMap<string, RuntimeState>>;
	/** RuntimeError before the first part when it cannot be started. */
	exec(id: string, options: ExecOptions): AsyncIterable<ExecPart>;
	/** Kills what `exec` of a former process of ours started and nobody listens to any more. None of this one's may run. */
	endExecs(): Promise<void>;
	/** The exit statuses that wait to be taken, and those that come while the signal is not aborted. */
	exits(signal: AbortSignal): AsyncIterable<{ readonly id: string; readonly exitCode: number }>;
	/** How a process ended that does not run any more: `pending` while its monitor has still to say, `unknown` when it cannot. */
	ended(bundle: Pick<Bundle, "id" | "dir">): Promise<number | "pending" | "unknown">;
	/** The exit status has been stored. */
	forgetExit(id: string): Promise<void>;
}

/** The runtime could not do it; `words` are its own. */
export class RuntimeError extends Error {
	override readonly name = "RuntimeError";
	readonly words: string;

	constructor(words: string, options?: ErrorOptions) {
		super(words, options);
		this.words = words;
	}
}
