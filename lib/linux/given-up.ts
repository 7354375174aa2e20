/**
 * Threads that wait inside the kernel for something that may never come.
 *
 * Nothing ends them before the kernel does. Node waits for all of its threads when it ends: with one of these it would never.
 */
import type { Worker } from "node:worker_threads";
import { checked } from "./libc.ts";

const exit = checked<[code: number]>("int _exit(int code)");
const stuck = new Set<Worker>();

/** It ends once it has answered what it was asked, with `isLast` of several, and keeps the process no longer than others do. */
export function giveUp(worker: Worker, isLast: (answer: unknown) => boolean = () => true): void {
	if (stuck.size === 0) {
		process.off("exit", leave);
		process.on("exit", leave);
	}
	stuck.add(worker);
	worker.once("exit", () => stuck.delete(worker));
	worker.unref();
	// Ended inside the call it would take the whole process along; and what it has open would stay.
	worker.on("message", (answer: unknown) => {
		if (isLast(answer)) void worker.terminate();
	});
}

/** After all others who wait for the end. */
function leave(code: number): void {
	if (stuck.size > 0) exit(code);
}
