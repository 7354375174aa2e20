/** Waits for the end of threads of which one is idle, and for nothing else; then it says so. */
import { setTimeout as sleep } from "node:timers/promises";
import { TreeWorkers } from "../tree/tree-workers.ts";

const workers = new TreeWorkers();
const loan = await workers.take("tree", new AbortController().signal);
await loan[Symbol.asyncDispose]();
await sleep(300);
await workers[Symbol.asyncDispose]();
process.stdout.write("ended\n");
