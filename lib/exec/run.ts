/** Runs a program to its end and collects what it writes. */
import type { Fault } from "#lib/fault/fault.ts";
import { execFaults } from "./faults.ts";
import { type Ended, start } from "./start.ts";

export { type Child, type Ended, type StartOptions, start } from "./start.ts";

const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;
/** A fault travels in the metadata of an answer, which has room for a few kilobytes. */
const FAULT_STDERR_LENGTH = 1_024;

export interface RunOptions {
	readonly input?: string | Uint8Array | undefined;
	readonly signal?: AbortSignal | undefined;
	readonly timeoutMs?: number | undefined;
	/** Added to this process's environment. */
	readonly env?: Readonly<Record<string, string>> | undefined;
	readonly cwd?: string | undefined;
	/** Descriptors of this process, which the program has from 3 on. */
	readonly extra?: readonly number[] | undefined;
	/** The exit statuses that are no failure; 0 alone unless given. */
	readonly acceptExit?: readonly number[] | undefined;
	/** 16 MiB unless given. */
	readonly maxOutputBytes?: number | undefined;
}

export interface Output {
	readonly stdout: string;
	/** The last 64 KiB. */
	readonly stderr: string;
	readonly exitCode: number;
}

/**
 * Resolves when the program has ended and closed its output. Aborting rejects with the signal's reason once the process group is gone.
 * Faults: PROGRAM_MISSING, PROGRAM_NOT_STARTED, PROGRAM_FAILED, PROGRAM_TIMED_OUT, PROGRAM_OUTPUT_TOO_LARGE.
 */
export async function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<Output> {
	const { input, acceptExit = [0], maxOutputBytes = MAX_OUTPUT_BYTES } = options;
	using deadline = deadlineOf(file, options.timeoutMs);
	const tooLarge = new AbortController();
	const signal = AbortSignal.any(
		[options.signal, deadline?.signal, tooLarge.signal].filter((one) => one !== undefined),
	);
	const child = start(file, args, {
		signal,
		env: options.env,
		cwd: options.cwd,
		extra: options.extra,
		stdin: input === undefined ? "ignore" : "pipe",
	});
	const output = collect(child.stdout, maxOutputBytes, () =>
		tooLarge.abort(execFaults.PROGRAM_OUTPUT_TOO_LARGE({ program: file, limitBytes: String(maxOutputBytes) })),
	);
	// It is awaited below, after the reason why the program could not be started.
	output.catch(() => undefined);
	if (input !== undefined) child.stdin.end(input);
	const ended = await child.done;
	// The program is gone, and something it started holds its output open: an abort must reach that as well.
	const killRest = (): boolean => child.kill("SIGKILL");
	signal.addEventListener("abort", killRest, { once: true });
	if (signal.aborted) killRest();
	const stdout = await output;
	signal.removeEventListener("abort", killRest);
	signal.throwIfAborted();
	const { exitCode, stderr } = ended;
	if (exitCode === undefined || !acceptExit.includes(exitCode)) throw failure(file, ended);
	return { stdout, stderr, exitCode };
}

function deadlineOf(
	program: string,
	timeoutMs: number | undefined,
): ({ signal: AbortSignal } & Disposable) | undefined {
	if (timeoutMs === undefined) return undefined;
	const controller = new AbortController();
	const timer = setTimeout(
		() => controller.abort(execFaults.PROGRAM_TIMED_OUT({ program, timeoutMs: String(timeoutMs) })),
		timeoutMs,
	);
	return { signal: controller.signal, [Symbol.dispose]: () => clearTimeout(timer) };
}

/** Reads to the end whatever comes; what is beyond the limit is dropped. */
async function collect(stream: AsyncIterable<Uint8Array>, limitBytes: number, onLimit: () => void): Promise<string> {
	const chunks: Uint8Array[] = [];
	let bytes = 0;
	for await (const chunk of stream) {
		bytes += chunk.byteLength;
		if (bytes <= limitBytes) chunks.push(chunk);
		else onLimit();
	}
	return Buffer.concat(chunks).toString("utf8");
}

function failure(program: string, { exitCode, signal, stderr }: Ended): Fault {
	const status = exitCode === undefined ? `signal ${signal ?? "unknown"}` : `exit status ${exitCode}`;
	return execFaults.PROGRAM_FAILED({ program, status, stderr: stderr.slice(-FAULT_STDERR_LENGTH) });
}
