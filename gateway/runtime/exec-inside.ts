/** Another process in a container that runs: `runc exec` as a child, its streams as parts. */
import { readFile } from "node:fs/promises";
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Child, start } from "#lib/exec/run.ts";
import { runtimeWords } from "./conmon.ts";
import { ExecSession } from "./exec-session.ts";
import { type ExecOptions, type ExecPart, RuntimeError } from "./runtime.ts";

export interface ExecTarget {
	readonly program: string;
	readonly globalArgs: readonly string[];
	readonly id: string;
	/** Holds a folder for each process that runs. */
	readonly sessionsDir: string;
}

/** Between SIGTERM and SIGKILL, and less than a service has for its orderly end. */
const GRACE_MS = 1_000;

/**
 * runc's own failure is told apart from the process's by its log, which the process cannot write to.
 * A signal that aborts, and a reader that goes away, end the process and its group: SIGTERM through runc, then SIGKILL.
 */
export async function* execInside(
	{ program, globalArgs, id, sessionsDir }: ExecTarget,
	{ command, environment, stdin, signal }: ExecOptions,
): AsyncGenerator<ExecPart> {
	await using session = await ExecSession.open(sessionsDir, id);
	const { logPath, pidPath } = session;
	const env = environment.flatMap((entry) => ["--env", entry]);
	// In one that a backup has paused it waits for the end of that.
	const options = ["--ignore-paused", "--pid-file", pidPath, ...env];
	const args = [...globalArgs, "--log", logPath, "exec", ...options, id, ...command];
	const stdio = { stdin: stdin === undefined ? "ignore" : "pipe", stderr: "pipe" } as const;
	const terminate = (): void => void session.terminate().catch(() => undefined); // what cannot be told is killed
	signal.addEventListener("abort", terminate, { once: true });
	const child = start(program, args, { signal, graceMs: GRACE_MS, ...stdio });
	let isOver = false;
	try {
		if (stdin !== undefined && child.pid !== undefined) feed(child.stdin, stdin);
		if (child.pid !== undefined) yield* merged(child.stdout, child.stderr);
		const { exitCode, signal: killedBy } = await child.done;
		isOver = !signal.aborted;
		const words = await readFile(logPath, "utf8").catch(() => "");
		if (words.includes('"level":"error"')) throw new RuntimeError(runtimeWords(words));
		yield { kind: "exit", exitCode: exitCode ?? 128 + (killedBy === undefined ? 0 : constants.signals[killedBy]) };
	} finally {
		signal.removeEventListener("abort", terminate);
		// What a process that ended by itself leaves running is meant to: the container's.
		if (!isOver) await cutShort(child, session);
	}
}

async function cutShort({ kill, done }: Child, session: ExecSession): Promise<void> {
	kill("SIGTERM");
	await Promise.race([done.catch(() => undefined), sleep(GRACE_MS)]);
	await session.end();
	kill("SIGKILL");
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
