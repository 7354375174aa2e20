import { describe, expect } from "vitest";
import { JobRecords } from "./job-records.ts";
import type { ArchiveResult } from "./job.ts";
import { type Scene, volumeAt } from "./test-support/scene.ts";
import { test } from "./test-support/scene-test.ts";
import { parseVolumeName } from "./volume.ts";

const ID = "0123456789abcdef0123456789abcdef";
const RESULT: ArchiveResult = {
	...{
		volume: "far",
		entries: 1,
		bytes: 1,
		expandedBytes: 1,
		storedBytes: 1,
		manifestSha256: "",
		warnings: [],
		verified: true,
	},
	...{ path: "", paused: [], pausedMs: 0, removed: [] },
};

/** A volume whose restore has written its stage when volumed is killed. */
async function staged(scene: Scene, { isSealed = false } = {}): Promise<Set<string>> {
	await scene.create("far", { options: new Map([["type", "nfs"]]) });
	const content = scene.disk.content("far");
	content.add("old");
	const records = new JobRecords(scene.store);
	const what = { kind: "restore", volume: "far", requestId: "1", bodyHash: "body" } as const;
	await scene.store.write([records.insert({ ...what, id: ID, path: "", temporary: "", isInside: true }, 0)]);
	const path = scene.disk.mountpoint("far");
	await scene.disk.inside.begin(path, ID);
	scene.disk.inside.staged(path, ID).add("new");
	if (!isSealed) return content;
	const seal = await scene.disk.inside.prepare(path, ID, { entering: "replace", implied: [] });
	await scene.store.write([records.seal(ID, seal, RESULT)]);
	return content;
}

const left = (scene: Scene) => [new JobRecords(scene.store).all(), scene.disk.inside.ids(scene.disk.mountpoint("far"))];

describe("a restore within a content that was cut off", () => {
	test("before it was sealed has never been", async ({ scene }) => {
		const content = await staged(scene);
		expect(await scene.mend()).toBe(0);
		expect([[...content], ...left(scene), [...scene.local.mounted]]).toEqual([["old"], [], [], []]);
		expect(scene.facts.at(-1)).toMatch(/^backup/);
		expect(new JobRecords(scene.store).findAnswer("restore", "1")).toBeUndefined();
	});

	test("behind that is gone on with, and answered", async ({ scene }) => {
		const content = await staged(scene, { isSealed: true });
		expect(await scene.mend()).toBe(0);
		expect([[...content], ...left(scene), [...scene.local.mounted]]).toEqual([["new"], [], [], []]);
		expect(new JobRecords(scene.store).findAnswer("restore", "1")?.result).toEqual(RESULT);
	});

	test("and whose stage is not there any more has failed, unless all of it had entered", async ({ scene }) => {
		for (const hasEntered of [false, true]) {
			const content = await staged(scene, { isSealed: true });
			await scene.disk.inside.discard(scene.disk.mountpoint("far"), ID);
			if (hasEntered) await scene.store.write([new JobRecords(scene.store).entered(ID)]);
			expect(await scene.mend()).toBe(0);
			expect([[...content], ...left(scene)]).toEqual([["old"], [], []]);
			expect(new JobRecords(scene.store).findAnswer("restore", "1") !== undefined).toBe(hasEntered);
			await scene.remove("far");
		}
	});

	test("keeps everybody from the volume until it can be ended; but it can be removed", async ({ scene }) => {
		const content = await staged(scene, { isSealed: true });
		scene.local.failures.set("mount", new Error("its server is away"));
		expect(await scene.mend()).toBe(1);
		const busy = { reason: "VOLUME_BUSY" };
		await expect(scene.attach("c1", { "/x": volumeAt("far") })).rejects.toMatchObject(busy);
		const renamed = scene.volumes.rename(parseVolumeName("far"), parseVolumeName("near"), () => []);
		await expect(renamed).rejects.toMatchObject(busy);
		scene.disk.inside.failures.set("enter", new Error("it fails"));
		expect(await scene.cutOff.mend(scene.signal)).toBe(1);
		expect([...content]).toEqual(["old"]);
		await scene.remove("far");
		expect(await scene.cutOff.mend(scene.signal)).toBe(0);
		expect([new JobRecords(scene.store).all(), scene.names]).toEqual([[], []]);
	});

	test("into a volume that was being made goes with that", async ({ scene }) => {
		await staged(scene, { isSealed: true });
		await scene.store.write([{ sql: "UPDATE volume SET state = 'CREATING'", params: [] }]);
		expect(await scene.mend()).toBe(0);
		expect([scene.names, new JobRecords(scene.store).all(), await scene.onDisk()]).toEqual([[], [], []]);
	});
});
