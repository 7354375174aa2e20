/** The soak ended by a signal: the played hosts are taken down first, and the exit status is the one that shells give for it. */
import { constants } from "node:os";
import { Host } from "../support/host.ts";

/** Runs the body to its end, or to the first signal; then the process ends here. */
export async function untilInterrupted(body: () => Promise<void>): Promise<void> {
	const interrupted = Promise.withResolvers<"SIGINT" | "SIGTERM" | "SIGHUP">();
	// A second one is as good as the first.
	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => interrupted.resolve(signal));
	const signal = await Promise.race([body(), interrupted.promise]);
	if (signal === undefined) return;
	console.log(`soak: ended by ${signal}`);
	await Host.disposeAll();
	process.exit(128 + constants.signals[signal]);
}
