/** The thread that mounts: see `into.ts`. What it does between two messages is synchronous, so nothing is born in another namespace. */
import { closeSync, openSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import { killPoint } from "#lib/config/kill-point.ts";
import { mountPlaceOf } from "../statx.ts";
import type { Attached, IntoAnswer, IntoQuestion } from "./into.ts";
import type { Spot } from "./make-missing.ts";
import { atPart, MountRefused } from "./mount-refused.ts";
import { markOf, type Mount, type MountMark } from "./mountinfo.ts";
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
import { type Ground, openGround, type Place, type PlaceKind } from "./place.ts";
import type { DetachedTree } from "./tree.ts";

type Attach = Extract<IntoQuestion, { readonly act: "attach" }>;

function attach({ origin, sight, place, replaces, givenUp }: Attach): Attached {
	using stack = new DisposableStack();
	const source = stack.adopt(openOrigin(origin), closeSync);
	const tree = stack.use(copyOf(source, sight));
	const ground = openGround(place);
	if (ground === undefined) throw new MountRefused("process", "there is no such process");
	stack.use(ground);
	const kind = mountPlaceOf(source).isDirectory ? "directory" : "file";
	const spot = stack.use(ground.make(kind));
	const seen = seenAt(ground, spot, shownBy(source), sight);
	if (seen !== undefined) return { made: false, mark: markOf(seen) };
	const top = topAt(ground, spot);
	const isReplaced = top !== undefined && markOf(top) === replaces;
	try {
		if (Atomics.load(givenUp, 0) !== 0) throw new MountRefused("kernel", "nobody waits for it any more");
		if (isReplaced) replace(ground, spot, tree, kind);
		else ground.inside(() => atPart("kernel", {}, () => tree.attach(spot.fd)));
	} catch (error) {
		spot.unmake();
		throw error;
	}
	killPoint("mount.attached");
	try {
		const mounts = ground.tree(mountPlaceOf(tree.fd).mountId);
		const problem = sightProblem(mounts, sight);
		if (problem !== undefined) throw new MountRefused("kernel", problem);
		const [mount] = mounts as [Mount, ...Mount[]]; // that it is not there would be a problem
		return { made: spot.made, mark: markOf(mount) };
	} catch (error) {
		takeOff(ground, tree.fd);
		spot.unmake();
		throw error;
	}
}

/** The mount that is seen there goes, and the tree is seen. */
function replace(ground: Ground, top: Spot, tree: DetachedTree, kind: PlaceKind): void {
	const isBeneath = ground.inside(() => atPart("kernel", {}, () => tree.attachBeneath(top.fd)));
	takeOff(ground, top.fd);
	if (isBeneath) return;
	using spot = ground.make(kind);
	ground.inside(() => atPart("kernel", {}, () => tree.attach(spot.fd)));
}

function findAttached(origin: Origin, sight: Sight, place: Place): MountMark | undefined {
	using stack = new DisposableStack();
	const source = stack.adopt(openOrigin(origin), closeSync);
	const seen = atSpot(place, (ground, spot) => seenAt(ground, spot, shownBy(source), sight));
	return seen && markOf(seen);
}

function detach(origin: Origin, place: Place, mark: MountMark | undefined): boolean {
	const isDone = atSpot(place, (ground, spot) => {
		const mount = topAt(ground, spot);
		if (mount === undefined || (markOf(mount) !== mark && !isOneOf(mount, origin))) return false;
		takeOff(ground, spot.fd);
		killPoint("mount.detached");
		return true;
	});
	return isDone === true;
}

/** The mount whose root is seen there. */
function topAt(ground: Ground, { fd }: Spot): Mount | undefined {
	const { mountId, isRoot } = mountPlaceOf(fd);
	return isRoot ? ground.mount(mountId) : undefined;
}

function takeOff(ground: Ground, fd: number): void {
	const procfs = openSync("/proc", "r");
	try {
		ground.inside(() => atPart("kernel", {}, () => detachAt(fd, procfs)));
	} finally {
		closeSync(procfs);
	}
}

function seenAt(ground: Ground, spot: Spot, shown: Shown | undefined, sight: Sight): Mount | undefined {
	const mount = topAt(ground, spot);
	if (mount === undefined || !isOf(mount, shown)) return undefined;
	const isTight = sight.readOnly !== "no" || !mount.options.includes("ro");
	const isMapped = sight.idmap !== undefined || !mount.options.includes("idmapped");
	const isSo = isTight && isMapped && sightProblem(ground.tree(mount.id), sight) === undefined;
	return isSo ? mount : undefined;
}

/** Undefined where there is no such process, or no such place. */
function atSpot<T>(place: Place, body: (ground: Ground, spot: Spot) => T | undefined): T | undefined {
	try {
		using ground = openGround(place);
		using spot = ground?.find();
		return ground === undefined || spot === undefined ? undefined : body(ground, spot);
	} catch (error) {
		if (error instanceof MountRefused && (error.part === "destination" || error.part === "process")) return undefined;
		throw error;
	}
}

function isShared(path: string, isSlaveEnough: boolean): boolean {
	const fields = mountOf(path)?.propagation ?? [];
	return fields.some((field) => field.startsWith("shared:") || (isSlaveEnough && field.startsWith("master:")));
}

function carryOut(question: IntoQuestion): Attached | MountMark | boolean | undefined {
	switch (question.act) {
		case "attach":
			return attach(question);
		case "look":
			return findAttached(question.origin, question.sight, question.place);
		case "detach":
			return detach(question.origin, question.place, question.mark);
		case "shared":
			return isShared(question.path, question.isSlaveEnough);
	}
}

function answer(question: IntoQuestion): IntoAnswer {
	try {
		return { value: atPart("kernel", {}, () => carryOut(question)) };
	} catch (error) {
		if (error instanceof MountRefused) return { part: error.part, problem: error.problem };
		return { bug: error instanceof Error ? String(error.stack) : String(error) };
	}
}

ownFileCreation();
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
parentPort?.on("message", (question: IntoQuestion) => parentPort?.postMessage(answer(question)));
