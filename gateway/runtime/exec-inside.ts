/**
 * Another process in a container that runs: `runc exec` as a child, its streams as parts.
 *
 * The child is started here and not through lib/exec, which keeps the end of a child's standard error and does not stream it.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { Readable as ReadableStream } from "node:stream";
import { pipeline } from "node:stream/promises";
import { runtimeWords } from "./conmon.ts";
import { type ExecOptions, type ExecPart, RuntimeError } from "./runtime.ts";

export interface ExecTarget {
	readonly program: string;
	readonly globalArgs: readonly string[];
	readonly id: string;
}

/**
 * runc's own failure is told apart from the process's by its log, which the process cannot write to.
 * A signal that aborts goes to runc, which hands it to the process.
 */
export async function* execInside(
	{ program, globalArgs, id }: ExecTarget,
	{ command, environment, stdin, signal }: ExecOptions,
): AsyncGenerator<ExecPart> {
	const dir = await mkdtemp(join(tmpdir(), "wharf-exec-"));
	try {
		const logPath = join(dir, "log");
		const env = environment.flatMap((entry) => ["--env", entry]);
		const child = spawn(program, [...globalArgs, "--log", logPath, "exec", ...env, id, ...command], {
			stdio: [stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
		});
		const ended = once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>;
		ended.catch(() => undefined); // awaited below
		const end = (): void => void child.kill("SIGTERM");
		signal.addEventListener("abort", end, { once: true });
		try {
			if (stdin !== undefined && child.stdin !== null) feed(child.stdin, stdin);
			if (child.stdout !== null && child.stderr !== null) yield* merged(child.stdout, child.stderr);
			const [exitCode, killedBy] = await ended;
			const words = await readFile(logPath, "utf8").catch(() => "");
			if (words.includes('"level":"error"')) throw new RuntimeError(runtimeWords(words));
			yield { kind: "exit", exitCode: exitCode ?? 128 + (killedBy === null ? 0 : constants.signals[killedBy]) };
		} finally {
			signal.removeEventListener("abort", end);
			end();
		}
	} finally {
		await rm(dir, { recursive: true, force: true });
	}
}

/** A process that ends before it has read everything is no failure, nor is a caller that goes away. */
function feed(to: Writable, from: AsyncIterable<Uint8Array>): void {
	pipeline(ReadableStream.from(from), to).catch(() => undefined);
}

/** Both outputs as their bytes come; each waits while nobody asks. */
async function* merged(stdout: Readable, stderr: Readable): AsyncGenerator<ExecPart> {
	type Step = { readonly source: Source; readonly next: IteratorResult<unknown> };
	type Source = { readonly kind: "stdout" | "stderr"; readonly chunks: AsyncIterator<unknown> };
	const step = async (source: Source): Promise<Step> => ({ source, next: await source.chunks.next() });
	const waiting = new Map<Source, Promise<Step>>();
	for (const [kind, stream] of [
		["stdout", stdout],
		["stderr", stderr],
	] as const) {
		const source = { kind, chunks: stream[Symbol.asyncIterator]() };
		waiting.set(source, step(source));
	}
	while (waiting.size > 0) {
		const { source, next } = await Promise.race(waiting.values());
		if (next.done === true) waiting.delete(source);
		else {
			waiting.set(source, step(source));
			yield { kind: source.kind, data: next.value as Uint8Array }; // streams without an encoding give bytes
		}
	}
}
