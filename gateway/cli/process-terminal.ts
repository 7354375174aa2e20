/** The terminal of this process. A reader that went away (EPIPE) ends it quietly, as with other programs in a pipe. */
import { once } from "node:events";
import type { Paths } from "#lib/config/paths.ts";
import type { Terminal } from "./terminal.ts";

export function processTerminal(paths: () => Paths): Terminal {
	for (const stream of [process.stdout, process.stderr]) {
		stream.on("error", (error: NodeJS.ErrnoException) => {
			if (error.code === "EPIPE") process.exit(0);
			throw error;
		});
	}
	const abort = new AbortController();
	let told = false;
	return {
		out: (text) => write(process.stdout, text),
		err: (text) => write(process.stderr, text),
		errIsTty: process.stderr.isTTY,
		stdin: process.stdin,
		env: process.env,
		cwd: process.cwd(),
		get paths() {
			return paths();
		},
		interruptible: () => {
			if (!told) {
				told = true;
				for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
					process.on(signal, () => {
						if (abort.signal.aborted) process.exit(130);
						abort.abort(signal);
					});
				}
			}
			return abort.signal;
		},
	};
}

async function write(stream: NodeJS.WriteStream, text: string | Uint8Array): Promise<void> {
	if (!stream.write(text)) await once(stream, "drain");
}
