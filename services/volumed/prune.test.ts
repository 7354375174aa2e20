import { expect } from "vitest";
import { Fault } from "#lib/fault/fault.ts";
import { Prune, type PruneSpec } from "./prune.ts";
import { mounted, nothing, volumeAt } from "./test-support/scene.ts";
import { test } from "./test-support/scene-test.ts";

test("prune takes those without a name, or all, and none that somebody uses, that has options, or is another driver's", async ({
	scene,
}) => {
	const amounts = { ofAll: async (paths: readonly string[]) => paths.map(() => ({ bytes: 10n, files: 1n })) };
	const pruning = new Prune(scene.parts, scene.volumes, amounts);
	const prune = (more: Partial<PruneSpec> = {}) =>
		pruning.prune(
			{ all: false, dryRun: false, labels: new Map(), withoutLabels: new Map(), until: undefined, ...more },
			nothing,
			scene.signal,
		);
	const { name: free } = await scene.create();
	const { name: used } = await scene.create();
	await scene.attach("c1", { "/x": volumeAt(used), "/y": volumeAt("taken") });
	await scene.create("named", { labels: new Map([["keep", "1"]]) });
	await scene.create("other");
	await scene.create("optioned", { options: mounted });
	await scene.create("far", { driver: "far" });
	expect(await prune({ dryRun: true })).toEqual({ names: [free], reclaimedBytes: 10n, problems: [] });
	expect(scene.names).toContain(free);
	expect(await prune()).toEqual({ names: [free], reclaimedBytes: 10n, problems: [] });
	expect(await prune({ all: true, withoutLabels: new Map([["keep", ""]]) })).toMatchObject({ names: ["other"] });
	expect(await prune({ all: true, until: new Date(0) })).toMatchObject({ names: [] });
	const problem = "The disk is broken.";
	const broken = new Fault({ code: "INTERNAL", reason: "KERNEL_REFUSED", domain: "volumed", message: problem });
	scene.local.failures.set("remove", broken);
	expect(await prune({ all: true })).toMatchObject({ names: [], problems: [problem] });
	expect(await prune({ all: true })).toMatchObject({ names: ["named"], problems: [] });
	expect(scene.names).toEqual(["far", "optioned", "taken", used].toSorted());
});
