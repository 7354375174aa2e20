/** Prints what a thread has that gave up all capabilities but three, and what the main thread has then: /proc tells of each. */
import { readFileSync } from "node:fs";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { keepCapabilities } from "../capabilities.ts";

const effective = (): string | undefined =>
	/CapEff:\s*(\S+)/.exec(readFileSync("/proc/thread-self/status", "utf8"))?.[1];

if (isMainThread) {
	const worker = new Worker(new URL(import.meta.url));
	worker.once("message", (inside: string) => {
		process.stdout.write(JSON.stringify([inside, effective()]));
		void worker.terminate();
	});
} else {
	keepCapabilities(["chown", "setfcap", "sys_admin"]);
	// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
	parentPort?.postMessage(effective());
}
