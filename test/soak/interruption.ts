/** The soak ended by a signal: the played hosts are taken down first, and the exit status is the one that shells give for it. */
import { constants } from "node:os";
import { Host } from "../support/host.ts";

/** Runs the body to its end, or to the first signal: what it finds amiss after that means nothing, and the process ends here. */
export async function untilInterrupted(body: (interrupted: AbortSignal) => Promise<void>): Promise<void> {
	const abort = new AbortController();
	const first = Promise.withResolvers<"SIGINT" | "SIGTERM" | "SIGHUP">();
	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => first.resolve(signal));
	const signal = await Promise.race([body(abort.signal), first.promise]);
	if (signal === undefined) return;
	abort.abort();
	console.log(`soak: ended by ${signal}`);
	await Host.disposeAll();
	process.exit(128 + constants.signals[signal]);
}
