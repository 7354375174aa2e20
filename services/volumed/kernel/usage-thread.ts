/** The thread that counts what is in directories: see `usage.ts`. The walks take turns, so that a small one waits for no large one. */
import { parentPort } from "node:worker_threads";
import type { UsageAnswer, UsageOrder } from "./usage.ts";
import { UsageWalk } from "./usage-walk.ts";

/** Between two looks at what has come in. */
const SLICE_MS = 10;
/** Of one walk, when others wait. */
const TURN_MS = 2;

const walks = new Map<number, string | UsageWalk>();
let isRunning = false;

function take(orders: readonly UsageOrder[]): void {
	const dropped: UsageAnswer[] = [];
	for (const { id, path } of orders) {
		if (path === undefined) {
			if (drop(id)) dropped.push({ id, amount: undefined });
		} else walks.set(id, path);
	}
	tell(dropped);
	if (!isRunning && walks.size > 0) run();
}

function run(): void {
	const end = performance.now() + SLICE_MS;
	const answers: UsageAnswer[] = [];
	for (const [id, walk] of walks) {
		const now = performance.now();
		if (now >= end) break;
		// To the end of those that wait.
		walks.delete(id);
		const next = advanced(walk, walks.size === 0 ? end : Math.min(end, now + TURN_MS));
		if (next instanceof UsageWalk) walks.set(id, next);
		else answers.push({ id, amount: next });
	}
	tell(answers);
	isRunning = walks.size > 0;
	if (isRunning) setImmediate(run);
}

/** The walk when there is more of it; else how much there is, or undefined when that cannot be known. */
function advanced(walk: string | UsageWalk, deadline: number): UsageWalk | UsageAnswer["amount"] {
	let begun: UsageWalk | undefined;
	try {
		begun = typeof walk === "string" ? new UsageWalk(walk) : walk;
		if (!begun.advance(deadline)) return begun;
		const { bytes, files, archiveBytes } = begun;
		begun[Symbol.dispose]();
		return { bytes, files, archiveBytes };
	} catch {
		begun?.[Symbol.dispose]();
		return undefined;
	}
}

function drop(id: number): boolean {
	const walk = walks.get(id);
	if (walk instanceof UsageWalk) walk[Symbol.dispose]();
	return walks.delete(id);
}

function tell(answers: readonly UsageAnswer[]): void {
	// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
	if (answers.length > 0) parentPort?.postMessage(answers);
}

parentPort?.on("message", take);
