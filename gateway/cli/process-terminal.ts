/** The terminal of this process. A reader that went away (EPIPE) ends it quietly, as with other programs in a pipe. */
import type { Paths } from "#lib/config/paths.ts";
import type { Terminal } from "./terminal.ts";

/** As a shell has it for SIGINT. */
const INTERRUPTED = 130;

export function processTerminal(paths: () => Paths): Terminal {
	for (const stream of [process.stdout, process.stderr]) {
		stream.on("error", (error: NodeJS.ErrnoException) => {
			if (error.code === "EPIPE") process.exit(0);
			throw error;
		});
	}
	const abort = new AbortController();
	let told = false;
	let insisting: (() => void) | undefined;
	return {
		out: (text) => write(process.stdout, text),
		err: (text) => write(process.stderr, text),
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

/** Resolves when it is written: what a pipe has not taken yet is lost when the process exits. */
function write(stream: NodeJS.WriteStream, text: string | Uint8Array): Promise<void> {
	return new Promise((resolve) => void stream.write(text, () => resolve()));
}
