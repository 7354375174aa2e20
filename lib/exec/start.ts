/**
 * Starts a long-lived child with its streams; the only importer of execa.
 *
 * No shell, ever: an argument vector, LC_ALL=C, and a process group of its own that is ended as a whole.
 */
import { statSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { execa, type Result } from "execa";
import type { Fault } from "#lib/fault/fault.ts";
import { execFaults } from "./faults.ts";
import { endWithUs, forget, signalGroup } from "./group.ts";
import { packageOf } from "./packages.ts";
import { Tail } from "./tail.ts";

const STDERR_KEPT_BYTES = 64 * 1024;
const GRACE_MS = 2_000;
/** Something that the child left behind may hold its stderr open for ever. */
const STDERR_END_MS = 200;
const SYSTEM_FOLDERS = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

export interface StartOptions {
	/** When it aborts, the group gets SIGTERM, and SIGKILL after `graceMs`. */
	readonly signal?: AbortSignal | undefined;
	readonly graceMs?: number | undefined;
	/** Added to this process's environment. */
	readonly env?: Readonly<Record<string, string>> | undefined;
	readonly cwd?: string | undefined;
	/** A number is a descriptor of this process, which stays the caller's to close. */
	readonly stdin?: "pipe" | "ignore" | number | undefined;
	readonly stdout?: "pipe" | "ignore" | number | undefined;
	/** `keep`: the last 64 KiB of it are in `done`. `pipe`: it is read like stdout, and `done` has none of it. */
	readonly stderr?: "keep" | "pipe" | "ignore" | number | undefined;
	/** Descriptors from 3 on; a pipe is read by this process. */
	readonly extra?: readonly ("pipe" | number)[] | undefined;
	/** The child lives on when this process exits. */
	readonly outlive?: boolean | undefined;
}

export interface Ended {
	/** Undefined when a signal ended it. */
	readonly exitCode: number | undefined;
	readonly signal: NodeJS.Signals | undefined;
	readonly stderr: string;
}

export interface Child {
	/** Undefined when it could not be started; `done` says why. */
	readonly pid: number | undefined;
	/** Throws when it is not a pipe, as do the next three. */
	readonly stdin: Writable;
	/** Paused until it is read by `for await`, `pipe` or `pipeline`; the child waits meanwhile. */
	readonly stdout: Readable;
	/** As `stdout`. */
	readonly stderr: Readable;
	/** The pipe at `extra[index]`. */
	extra(index: number): Readable;
	/** Sends the signal to the whole group; false when nothing of it is left. */
	kill(signal?: NodeJS.Signals): boolean;
	/** Settles when the child has ended. Rejects only when it could not be started: PROGRAM_MISSING, PROGRAM_NOT_STARTED. */
	readonly done: Promise<Ended>;
}

export function start(file: string, args: readonly string[], options: StartOptions = {}): Child {
	const { stdin = "ignore", stdout = "pipe", stderr = "keep", extra = [], outlive = false } = options;
	options.signal?.throwIfAborted();
	const child = execa(file, args, {
		stdio: [
			descriptor(stdin),
			descriptor(stdout),
			descriptor(stderr === "keep" ? "pipe" : stderr),
			...extra.map(descriptor),
		],
		env: environment(options.env),
		extendEnv: false,
		...(options.cwd === undefined ? {} : { cwd: options.cwd }),
		detached: true,
		cleanup: false,
		buffer: false,
		reject: false,
	});
	const { pid } = child;
	const pipes = child.stdio.map((stream) => stream ?? undefined) as (Readable & Writable)[];
	// Otherwise execa lets flow, and lose, what nobody reads at once.
	for (const [index, stream] of pipes.entries()) if (index > 0 && (index !== 2 || stderr === "pipe")) stream?.pause();

	const tail = new Tail(STDERR_KEPT_BYTES);
	if (stderr === "keep") pipes[2]?.on("data", (chunk: Uint8Array) => tail.push(chunk));
	if (pid !== undefined && !outlive) endWithUs(pid);
	const stop = pid === undefined ? () => undefined : endOnAbort(pid, options);

	const ended = Promise.withResolvers<Ended>();
	child.once("exit", (code: number | null, signal: NodeJS.Signals | null) => {
		stop();
		if (pid !== undefined) forget(pid);
		const settle = (): void =>
			ended.resolve({ exitCode: code ?? undefined, signal: signal ?? undefined, stderr: tail.toString() });
		if (stderr !== "keep" || pipes[2]?.readableEnded) return settle();
		const timer = setTimeout(settle, STDERR_END_MS);
		pipes[2]?.once("close", () => {
			clearTimeout(timer);
			settle();
		});
	});
	if (pid === undefined) void child.then((result) => ended.reject(startFault(file, options.cwd, result)));
	// Whoever reads the streams first and awaits `done` later is not to be killed by an unhandled rejection in between.
	ended.promise.catch(() => undefined);

	return {
		pid,
		get stdin() {
			return pipe(file, pipes, 0);
		},
		get stdout() {
			return pipe(file, pipes, 1);
		},
		get stderr() {
			if (stderr === "keep") throw new Error(`the standard error of ${file} is kept for \`done\``);
			return pipe(file, pipes, 2);
		},
		extra: (index) => pipe(file, pipes, 3 + index),
		kill: (signal = "SIGTERM") => pid !== undefined && signalGroup(pid, signal),
		done: ended.promise,
	};
}

/** execa takes any descriptor; its types name those up to 9. */
function descriptor<S extends string>(option: S | number): S | 3 {
	return option as S | 3;
}

function pipe(file: string, pipes: readonly (Readable & Writable)[], fd: number): Readable & Writable {
	const stream = pipes[fd];
	if (stream === undefined) throw new Error(`descriptor ${fd} of ${file} is not a pipe`);
	return stream;
}

/** Daemons and `su` often come without the folders that administration programs are in. */
function environment(added: Readonly<Record<string, string>> = {}): Record<string, string | undefined> {
	const path = (process.env["PATH"] ?? "").split(":").filter((folder) => folder !== "");
	const missing = SYSTEM_FOLDERS.filter((folder) => !path.includes(folder));
	return { ...process.env, PATH: [...path, ...missing].join(":"), LC_ALL: "C", ...added };
}

/** Returns what takes the listener away again. */
function endOnAbort(pid: number, { signal, graceMs = GRACE_MS }: StartOptions): () => void {
	let timer: NodeJS.Timeout | undefined;
	const end = (): void => {
		if (signalGroup(pid, "SIGTERM")) timer = setTimeout(() => signalGroup(pid, "SIGKILL"), graceMs);
	};
	signal?.addEventListener("abort", end, { once: true });
	return () => {
		signal?.removeEventListener("abort", end);
		clearTimeout(timer);
		// What the child started is ended with it, even when the child itself was quick to go.
		if (timer !== undefined) signalGroup(pid, "SIGKILL");
	};
}

function startFault(file: string, cwd: string | undefined, result: Pick<Result, "code" | "originalMessage">): Fault {
	const missingFolder = cwd !== undefined && statSync(cwd, { throwIfNoEntry: false })?.isDirectory() !== true;
	if (missingFolder) {
		return execFaults.PROGRAM_NOT_STARTED({ program: file, problem: `there is no folder ${cwd}` });
	}
	if (result.code === "ENOENT") return execFaults.PROGRAM_MISSING({ program: file, package: packageOf(file) });
	return execFaults.PROGRAM_NOT_STARTED({ program: file, problem: result.originalMessage ?? "unknown" });
}
