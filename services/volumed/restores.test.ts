import { describe, expect } from "vitest";
import { volumeFaults } from "./faults.ts";
import { Fillings } from "./fillings.ts";
import type { RestoreOutput, RestoreSpec } from "./job.ts";
import { JobRecords } from "./job-records.ts";
import { Restores } from "./restores.ts";
import { modelArchiver } from "./test-support/model-archiver.ts";
import { mounted, type Scene, volumeAt } from "./test-support/scene.ts";
import { test } from "./test-support/scene-test.ts";
import { parseVolumeName } from "./volume.ts";

const far = new Map([["type", "nfs"]]);

/** With the one name `new`. */
async function* archive() {
	yield Buffer.from("new");
}

async function restore(
	scene: Scene,
	volume: string,
	more: Partial<RestoreSpec> = {},
	sent: AsyncIterable<Buffer> = archive(),
): Promise<RestoreOutput[]> {
	const how = {
		existing: "refuse",
		strip: 0,
		privileges: false,
		dryRun: false,
		create: false,
		maxExpansion: 500,
	} as const;
	const spec = { requestId: "1", volume: parseVolumeName(volume), path: undefined, ...how, ...more };
	const restores = new Restores(scene.parts, new Fillings(scene.parts, modelArchiver(scene.disk), scene.cutOff));
	return await Array.fromAsync(restores.restore(spec, sent, scene.signal));
}

test("of a volume that a restore makes others hear that, and not of a removal", async ({ scene }) => {
	const [begun, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
	async function* sent() {
		begun.resolve();
		await go.promise;
		yield Buffer.alloc(0);
	}
	const restored = restore(scene, "fresh", { create: true }, sent());
	await begun.promise;
	const busy = { reason: "VOLUME_BUSY", message: "A restore of the volume fresh is running." };
	await expect(scene.create("fresh")).rejects.toMatchObject(busy);
	await expect(scene.attach("c1", { "/x": volumeAt("fresh") })).rejects.toMatchObject(busy);
	await expect(restore(scene, "fresh", { requestId: "2" })).rejects.toMatchObject(busy);
	go.reject(new Error("it ends early"));
	await expect(restored).rejects.toThrow("it ends early");
	await scene.create("fresh");
});

describe("a restore into a content that has to be mounted", () => {
	test("mounts it meanwhile, and keeps what it does not replace", async ({ scene }) => {
		await scene.create("far", { options: far });
		const content = scene.disk.content("far").add("old");
		await expect(restore(scene, "far")).rejects.toMatchObject({ reason: "VOLUME_NOT_EMPTY" });
		await restore(scene, "far", { existing: "merge", requestId: "2" });
		expect([[...content], [...scene.local.mounted]]).toEqual([["old", "new"], []]);
		await restore(scene, "far", { existing: "replace", requestId: "3" });
		expect([[...content], [...scene.local.mounted]]).toEqual([["new"], []]);
	});

	test("that fails before its last step has changed nothing", async ({ scene }) => {
		await scene.create("far", { options: far });
		const content = scene.disk.content("far").add("old");
		for (const call of ["begin", "prepare"] as const) {
			scene.disk.inside.failures.set(call, new Error("it fails"));
			await expect(restore(scene, "far", { existing: "replace" })).rejects.toThrow("it fails");
			const left = scene.disk.inside.ids(scene.disk.mountpoint("far"));
			expect([[...content], left, [...scene.local.mounted], scene.parts.jobs.isBusy("far")]).toEqual([
				["old"],
				[],
				[],
				false,
			]);
		}
	});

	test("that fails in its last step is gone on with, and nobody gets the volume before", async ({ scene }) => {
		await scene.create("far", { options: far });
		const content = scene.disk.content("far").add("old");
		scene.disk.inside.failures.set("enter", new Error("its server has gone"));
		const spec = { existing: "replace" } as const;
		await expect(restore(scene, "far", spec)).rejects.toMatchObject({ reason: "RESTORE_UNFINISHED" });
		await expect(scene.attach("c1", { "/x": volumeAt("far") })).rejects.toMatchObject({ reason: "VOLUME_BUSY" });
		expect(await scene.cutOff.mend(scene.signal)).toBe(0);
		expect([[...content], [...scene.local.mounted]]).toEqual([["new"], []]);
		expect((await restore(scene, "far", spec)).at(-1)).toMatchObject({ kind: "result", result: { entries: 1 } });
		await scene.attach("c1", { "/x": volumeAt("far") });
	});

	test("whose stage somebody changes has failed, and the volume is free", async ({ scene }) => {
		await scene.create("far", { options: far });
		const content = scene.disk.content("far").add("old");
		scene.disk.inside.failures.set("enter", volumeFaults.STAGE_CHANGED({ path: "far", problem: "it is a link" }));
		const spec = { existing: "replace" } as const;
		await expect(restore(scene, "far", spec)).rejects.toMatchObject({ reason: "STAGE_CHANGED" });
		expect([[...content], new JobRecords(scene.store).all(), [...scene.local.mounted]]).toEqual([["old"], [], []]);
		await scene.attach("c1", { "/x": volumeAt("far") });
	});

	test("is refused where it is in memory", async ({ scene }) => {
		await scene.create("memory", { options: mounted });
		await expect(restore(scene, "memory")).rejects.toMatchObject({ reason: "CANNOT_RESTORE" });
		expect([...scene.local.mounted]).toEqual([]);
	});
});
