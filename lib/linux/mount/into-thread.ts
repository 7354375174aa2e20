/** The thread that mounts: see `into.ts`. What it does between two messages is synchronous, so nothing is born in another namespace. */
import { closeSync, openSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import { killPoint } from "#lib/config/kill-point.ts";
import { mountPlaceOf } from "../statx.ts";
import type { IntoAnswer, IntoQuestion } from "./into.ts";
import type { Spot } from "./make-missing.ts";
import { atPart, MountRefused } from "./mount-refused.ts";
import { detachAt, ownFileCreation } from "./namespace.ts";
import {
	copyOf,
	isOf,
	isOneOf,
	mountOf,
	type Origin,
	openOrigin,
	type Shown,
	shownBy,
	type Sight,
	sightProblem,
} from "./origin.ts";
import { type Ground, openGround, type Place } from "./place.ts";

type Attach = Extract<IntoQuestion, { readonly act: "attach" }>;

function attach({ origin, sight, place, givenUp }: Attach): boolean {
	using stack = new DisposableStack();
	const source = stack.adopt(openOrigin(origin), closeSync);
	const tree = stack.use(copyOf(source, sight));
	const ground = openGround(place);
	if (ground === undefined) throw new MountRefused("process", "there is no such process");
	stack.use(ground);
	const spot = stack.use(ground.make(mountPlaceOf(source).isDirectory ? "directory" : "file"));
	if (seenAt(ground, spot, shownBy(source), sight)) return false;
	try {
		if (Atomics.load(givenUp, 0) !== 0) throw new MountRefused("kernel", "nobody waits for it any more");
		ground.inside(() => atPart("kernel", {}, () => tree.attach(spot.fd)));
	} catch (error) {
		spot.unmake();
		throw error;
	}
	killPoint("mount.attached");
	try {
		const problem = sightProblem(ground.tree(mountPlaceOf(tree.fd).mountId), sight);
		if (problem !== undefined) throw new MountRefused("kernel", problem);
	} catch (error) {
		takeOff(ground, tree.fd);
		spot.unmake();
		throw error;
	}
	return spot.made;
}

function isAttached(origin: Origin, sight: Sight, place: Place): boolean {
	using stack = new DisposableStack();
	const source = stack.adopt(openOrigin(origin), closeSync);
	return atSpot(place, (ground, spot) => seenAt(ground, spot, shownBy(source), sight));
}

function detach(origin: Origin, place: Place): boolean {
	return atSpot(place, (ground, spot) => {
		const { mountId, isRoot } = mountPlaceOf(spot.fd);
		const mount = isRoot ? ground.mount(mountId) : undefined;
		if (mount === undefined || !isOneOf(mount, origin)) return false;
		takeOff(ground, spot.fd);
		killPoint("mount.detached");
		return true;
	});
}

function takeOff(ground: Ground, fd: number): void {
	const procfs = openSync("/proc", "r");
	try {
		ground.inside(() => atPart("kernel", {}, () => detachAt(fd, procfs)));
	} finally {
		closeSync(procfs);
	}
}

function seenAt(ground: Ground, { fd }: Spot, shown: Shown | undefined, sight: Sight): boolean {
	const { mountId, isRoot } = mountPlaceOf(fd);
	if (!isRoot) return false;
	const mount = ground.mount(mountId);
	if (mount === undefined || !isOf(mount, shown)) return false;
	const isTight = sight.readOnly !== "no" || !mount.options.includes("ro");
	const isMapped = sight.idmap !== undefined || !mount.options.includes("idmapped");
	return isTight && isMapped && sightProblem(ground.tree(mountId), sight) === undefined;
}

/** False where there is no such process, or no such place. */
function atSpot(place: Place, body: (ground: Ground, spot: Spot) => boolean): boolean {
	try {
		using ground = openGround(place);
		using spot = ground?.find();
		return ground !== undefined && spot !== undefined && body(ground, spot);
	} catch (error) {
		if (error instanceof MountRefused && (error.part === "destination" || error.part === "process")) return false;
		throw error;
	}
}

function isShared(path: string, isSlaveEnough: boolean): boolean {
	const fields = mountOf(path)?.propagation ?? [];
	return fields.some((field) => field.startsWith("shared:") || (isSlaveEnough && field.startsWith("master:")));
}

function carryOut(question: IntoQuestion): boolean {
	switch (question.act) {
		case "attach":
			return attach(question);
		case "look":
			return isAttached(question.origin, question.sight, question.place);
		case "detach":
			return detach(question.origin, question.place);
		case "shared":
			return isShared(question.path, question.isSlaveEnough);
	}
}

function answer(question: IntoQuestion): IntoAnswer {
	try {
		return { yes: atPart("kernel", {}, () => carryOut(question)) };
	} catch (error) {
		if (error instanceof MountRefused) return { part: error.part, problem: error.problem };
		return { bug: error instanceof Error ? String(error.stack) : String(error) };
	}
}

ownFileCreation();
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
parentPort?.on("message", (question: IntoQuestion) => parentPort?.postMessage(answer(question)));
