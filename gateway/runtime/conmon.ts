/**
 * Starting conmon, which starts the runtime, holds the container's outputs, writes its log and, at the end, its exit file.
 *
 * conmon forks away from the gateway at once and lives as long as the container: a gateway that dies takes nothing with it.
 * It says on descriptor 3 (`_OCI_SYNCPIPE`) how the runtime did: `{"data": PID}` or `{"data": -1, "message": …}`.
 */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { start } from "#lib/exec/run.ts";
import { type Bundle, RuntimeError } from "./runtime.ts";

export interface ConmonOptions {
	/** The runtime's program, an absolute path. */
	readonly runtime: string;
	/** The runtime's own arguments, before its command. */
	readonly runtimeArgs: readonly string[];
	readonly exitDir: string;
}

const SYNC_TIMEOUT_MS = 60_000;

/** Gives the pid of the container's process, which waits to be let go. RuntimeError with the runtime's own words. */
export async function startConmon({ id, dir, logPath }: Bundle, options: ConmonOptions): Promise<number> {
	// Left of a former run: conmon would listen at a socket that is there already.
	await Promise.all(
		["pid", "conmon.pid", "attach", "ctl", "winsz"].map((name) => rm(join(dir, name), { force: true })),
	);
	const child = start(
		"conmon",
		[
			...["--api-version", "1", "--cid", id, "--cuuid", id, "--name", id],
			...["--runtime", options.runtime, ...options.runtimeArgs.flatMap((arg) => ["--runtime-arg", arg])],
			...["--bundle", dir, "--container-pidfile", join(dir, "pid"), "--conmon-pidfile", join(dir, "conmon.pid")],
			...["--log-path", `k8s-file:${logPath}`, "--exit-dir", options.exitDir, "--no-sync-log"],
			...["--socket-dir-path", dir, "--full-attach", "--log-level", "error"],
		],
		{ env: { _OCI_SYNCPIPE: "3" }, stdout: "ignore", stderr: "ignore", extra: ["pipe"], outlive: true },
	);
	if (child.pid === undefined) await child.done; // rejects with PROGRAM_MISSING
	const said = await firstLine(child.extra(0));
	const { exitCode } = await child.done;
	if (said === "") throw new RuntimeError(`conmon ended with exit status ${exitCode ?? "unknown"} and said nothing`);
	const { data, message } = JSON.parse(said) as { data: number; message?: string };
	if (data > 0) return data;
	throw new RuntimeError(runtimeWords(message ?? ""));
}

/** Whether the conmon of this container runs: its pid file's process, and not another one with the same pid. */
export async function conmonLives(id: string, dir: string): Promise<boolean> {
	const pid = (await readFile(join(dir, "conmon.pid"), "utf8").catch(() => "")).trim();
	if (!/^\d+$/.test(pid)) return false;
	const words = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
	return words.includes(id);
}

async function firstLine(stream: Readable): Promise<string> {
	const timer = setTimeout(
		() => stream.destroy(new RuntimeError("conmon did not answer in a minute")),
		SYNC_TIMEOUT_MS,
	);
	let text = "";
	try {
		for await (const chunk of stream) {
			text += String(chunk);
			if (text.includes("\n")) break;
		}
	} finally {
		clearTimeout(timer);
		stream.destroy();
	}
	return text.trim();
}

/** What runc said with `--log-format json`: the last message among its lines. */
export function runtimeWords(output: string): string {
	const messages = output
		.split("\n")
		.filter((line) => line.trim() !== "")
		.map((line) => {
			try {
				const { msg } = JSON.parse(line) as { msg?: unknown };
				return typeof msg === "string" ? msg : line;
			} catch {
				return line;
			}
		});
	return messages.at(-1) ?? "it said nothing";
}
