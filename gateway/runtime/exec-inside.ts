/** Another process in a container that runs: `runc exec` as a child, its streams as parts. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { start } from "#lib/exec/run.ts";
import { runtimeWords } from "./conmon.ts";
import { type ExecOptions, type ExecPart, RuntimeError } from "./runtime.ts";

export interface ExecTarget {
	readonly program: string;
	readonly globalArgs: readonly string[];
	readonly id: string;
}

/** A process that was asked to end and does not is left to itself: killing runc would leave it all the same. */
const GRACE_MS = 10_000;

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
		const child = start(program, [...globalArgs, "--log", logPath, "exec", ...env, id, ...command], {
			signal,
			graceMs: GRACE_MS,
			stdin: stdin === undefined ? "ignore" : "pipe",
			stderr: "pipe",
		});
		try {
			if (stdin !== undefined && child.pid !== undefined) feed(child.stdin, stdin);
			if (child.pid !== undefined) yield* merged(child.stdout, child.stderr);
			const { exitCode, signal: killedBy } = await child.done;
			const words = await readFile(logPath, "utf8").catch(() => "");
			if (words.includes('"level":"error"')) throw new RuntimeError(runtimeWords(words));
			yield { kind: "exit", exitCode: exitCode ?? 128 + (killedBy === undefined ? 0 : constants.signals[killedBy]) };
		} finally {
			child.kill("SIGTERM");
		}
	} finally {
		await rm(dir, { recursive: true, force: true });
	}
}

/** A process that ends before it has read everything is no failure, nor is a caller that goes away. */
function feed(to: Writable, from: AsyncIterable<Uint8Array>): void {
	pipeline(Readable.from(from), to).catch(() => undefined);
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
	try {
		while (waiting.size > 0) {
			const { source, next } = await Promise.race(waiting.values());
			if (next.done === true) waiting.delete(source);
			else {
				waiting.set(source, step(source));
				yield { kind: source.kind, data: next.value as Uint8Array }; // streams without an encoding give bytes
			}
		}
	} finally {
		// A reader that goes away leaves steps that nobody waits for any more.
		for (const unread of waiting.values()) unread.catch(() => undefined);
		stdout.destroy();
		stderr.destroy();
	}
}
