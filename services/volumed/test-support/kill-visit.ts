/** One kill point: volumed dies there in the middle of the scenario, is started again, and everything goes on as if it had not. */
import { Fault } from "#lib/fault/fault.ts";
import { amiss, remains } from "./inspection.ts";
import { type DiskKind, KillScene } from "./kill-scene.ts";
import { END, SCENARIO, type Step } from "./scenario.ts";
import { setTimeout as sleep } from "node:timers/promises";

/** What is done a moment after an answer is done by then. */
const BACKGROUND_MS = 3_000;

/** Points that are passed only by a start that finds something to mend: where volumed died before. */
export const BEFORE: Readonly<Record<string, string>> = {
	"store.volumed.reconcile.detached": "store.volumed.attachment.pending",
	"store.volumed.reconcile.undone": "store.volumed.volume.creating",
	"store.volumed.reconcile.renamed": "volumed.disk.rename",
	"store.volumed.reconcile.failed": "volumed.stage.begun",
	"store.volumed.reconcile.entered": "volumed.stage.left",
	"store.volumed.reconcile.restored": "volumed.stage.entered",
};

/** In a scene of its own. Gives what was amiss. */
export async function visitKillPoint(point: string, disk?: DiskKind): Promise<string[]> {
	await using scene = await KillScene.open(disk);
	const { daemon } = scene;
	const steps = [...SCENARIO, ...END];
	const problems: string[] = [];
	await daemon.start(BEFORE[point] ?? point);
	const at = await play(scene, steps, problems);
	if (at === undefined) return [...problems, `${point} is not reached`];
	if (BEFORE[point] !== undefined) {
		await daemon.start(point);
		if (!(await diesSoon(scene))) problems.push(`${point} is not reached by the start`);
	}
	await daemon.start();
	const where = `after ${steps[at]?.name}`;
	problems.push(...(await amiss(scene)).map((problem) => `${where}: ${problem}`));
	problems.push(...(await goOn(scene, steps.slice(at))));
	await daemon.kill("SIGTERM");
	return problems;
}

/** The scenario up to a step, and without it, with nobody being killed. Gives what was amiss. */
export async function playUntil(scene: KillScene, name: string): Promise<string[]> {
	const end = SCENARIO.findIndex((step) => step.name === name);
	const { signal } = new AbortController();
	const problems: string[] = [];
	for (const step of SCENARIO.slice(0, end)) {
		const problem = await take(scene, step, signal);
		if (problem !== undefined) problems.push(problem);
	}
	return problems;
}

/** The place of the step in whose time volumed died. */
async function play(scene: KillScene, steps: readonly Step[], problems: string[]): Promise<number | undefined> {
	const { daemon } = scene;
	const death = new AbortController();
	void daemon.ended().then(() => death.abort());
	for (const [index, step] of steps.entries()) {
		const problem = await take(scene, step, death.signal);
		// Its connection may be seen to end before it is.
		if (problem !== undefined) await Promise.race([daemon.ended(), sleep(BACKGROUND_MS)]);
		if (death.signal.aborted) return index;
		if (problem !== undefined) problems.push(problem);
	}
	return (await diesSoon(scene)) ? steps.length : undefined;
}

async function diesSoon({ daemon }: KillScene): Promise<boolean> {
	return (await Promise.race([daemon.ended(), sleep(BACKGROUND_MS)])) !== undefined;
}

/** The call that was cut off may have happened: then its repetition has nothing to do. Everything after it goes well. */
async function goOn(scene: KillScene, [cut, ...rest]: readonly Step[]): Promise<string[]> {
	const problems: string[] = [];
	const { signal } = new AbortController();
	if (cut !== undefined) problems.push(...untyped(await tried(scene, cut, signal)));
	for (const step of rest) {
		const problem = await take(scene, step, signal);
		if (problem !== undefined) problems.push(problem);
	}
	problems.push(...(await amiss(scene)).map((problem) => `at the end: ${problem}`));
	problems.push(...remains(scene).map((line) => `left at the end: ${line}`));
	return problems;
}

/** What is wrong with how it ended. */
async function take(scene: KillScene, step: Step, signal: AbortSignal): Promise<string | undefined> {
	const error = await tried(scene, step, signal);
	const reason = error instanceof Fault ? error.reason : undefined;
	if (error === undefined ? step.fault === undefined : reason === step.fault) return undefined;
	return `${step.name}: ${error === undefined ? `no ${step.fault}` : textOf(error)}`;
}

async function tried(scene: KillScene, step: Step, signal: AbortSignal): Promise<unknown> {
	for (const name of step.drops ?? []) scene.promised.delete(name);
	try {
		await step.act({ scene, options: { signal, timeoutMs: 30_000 } }, step.name);
		for (const name of step.promises ?? []) scene.promised.add(name);
		for (const name of step.drops ?? []) scene.deleted.add(name);
		return undefined;
	} catch (error) {
		return error;
	}
}

function untyped(error: unknown): string[] {
	const isTyped = error instanceof Fault && error.domain === "volumed" && error.code !== "INTERNAL";
	return error === undefined || isTyped ? [] : [`the repeated call: ${textOf(error)}`];
}

function textOf(error: unknown): string {
	if (error instanceof Fault) return `${error.reason}: ${error.message}`;
	return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
