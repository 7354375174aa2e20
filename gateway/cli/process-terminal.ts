/** The terminal of this process. */
import type { Paths } from "#lib/config/paths.ts";
import { processOutput } from "./process-output.ts";
import type { Terminal } from "./terminal.ts";

/** As a shell has it for SIGINT. */
const INTERRUPTED = 130;

export function processTerminal(paths: () => Paths): Terminal {
	const err = processOutput("Standard error", process.stderr);
	const abort = new AbortController();
	let told = false;
	let insisting: (() => void) | undefined;
	return {
		out: processOutput("Standard output", process.stdout),
		// Where it could be told that this failed, it failed.
		err: (text) => err(text).catch(() => undefined),
		outIsTty: process.stdout.isTTY,
		errIsTty: process.stderr.isTTY,
		get errColumns() {
			return process.stderr.isTTY ? process.stderr.columns : undefined;
		},
		stdin: process.stdin,
		env: process.env,
		cwd: process.cwd(),
		get paths() {
			return paths();
		},
		interruptible: (insist) => {
			insisting = insist;
			if (!told) {
				told = true;
				for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
					process.on(signal, () => {
						if (!abort.signal.aborted) return abort.abort(signal);
						if (insisting === undefined) process.exit(INTERRUPTED);
						insisting();
						insisting = undefined;
					});
				}
			}
			return abort.signal;
		},
	};
}
