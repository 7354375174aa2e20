/**
 * volumed is killed at kill points of its own: nothing is lost and nothing is left, by other programs' account. Here at a quarter of
 * them, chosen by a seed; `npm run soak -- volumed kills` visits them all.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { killPointNames } from "./test-support/kill-point-names.ts";
import { type DiskKind, ownMountsAndRun } from "./test-support/kill-scene.ts";
import { visitKillPoint } from "./test-support/kill-visit.ts";
import { seededChoices } from "./test-support/seeded-choices.ts";

const PART = 4;
const SEED = Date.now() % 1_000_000;

const { anywhere, btrfs } = killPointNames();
const part = seededChoices(SEED).below(PART);
const chosen = <T>(points: readonly T[]): T[] => points.filter((_, index) => index % PART === part);

/** Where others have the processors; the wait for a lane is in it. */
const LONG_MS = 300_000;

/** Visited side by side: each waits as much as it works. */
const AT_ONCE = 2;
const lanes = Array.from({ length: AT_ONCE }, () => Promise.resolve());

beforeAll(ownMountsAndRun);

/** In the lane whose turn it is. */
function visit(point: string, disk?: DiskKind): Promise<string[]> {
	const before = lanes.shift() ?? Promise.resolve();
	const visited = before.then(() => visitKillPoint(point, disk));
	const over = (): void => undefined;
	lanes.push(visited.then(over, over));
	return visited;
}

test("there are kill points, of every kind", () => {
	expect(anywhere.length).toBeGreaterThan(50);
	expect(btrfs.length).toBeGreaterThan(3);
	expect(anywhere).toEqual(
		expect.arrayContaining(["mount.attached", "volumed.disk.fill", "store.volumed.volume.active"]),
	);
});

describe.concurrent(`killed (seed ${SEED})`, { timeout: LONG_MS }, () => {
	test.each(chosen(anywhere))("at %s", async (point) => {
		expect(await visit(point)).toEqual([]);
	});
	test.each(chosen(btrfs))("at %s, on btrfs", async (point) => {
		expect(await visit(point, "btrfs")).toEqual([]);
	});
});
