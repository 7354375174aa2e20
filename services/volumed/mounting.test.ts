import { describe, expect } from "vitest";
import { mounted, volumeAt } from "./test-support/scene.ts";
import { test } from "./test-support/scene-test.ts";

describe("volumes that have to be mounted", () => {
	test("are mounted while somebody uses them, once", async ({ scene }) => {
		await scene.create("data", { options: mounted });
		expect([...scene.local.mounted]).toEqual([]);
		await scene.attach("c1", { "/x": volumeAt("data") });
		await scene.attach("c2", { "/x": volumeAt("data") });
		await scene.detach("c1");
		expect([...scene.local.mounted]).toEqual(["data"]);
		await scene.detach("c2");
		expect([...scene.local.mounted]).toEqual([]);
	});

	test("are mounted for a container's run when that is asked for", async ({ scene }) => {
		const { active } = await scene.attach(
			"c1",
			{ "/x": volumeAt("data", { options: mounted }) },
			{ activateLater: true },
		);
		expect([active, [...scene.local.mounted]]).toEqual([false, []]);
		expect(await scene.activate("c1")).toMatchObject({ active: true });
		expect(await scene.activate("c1")).toMatchObject({ active: true });
		expect([...scene.local.mounted]).toEqual(["data"]);
		expect([await scene.deactivate("c1"), await scene.deactivate("c1"), [...scene.local.mounted]]).toEqual([
			true,
			false,
			[],
		]);
		await expect(scene.remove("data")).rejects.toMatchObject({ reason: "VOLUME_IN_USE" });
		await expect(scene.activate("none")).rejects.toMatchObject({ reason: "ATTACHMENT_NOT_FOUND" });
	});

	test("that cannot be mounted leave everything as it was", async ({ scene }) => {
		scene.local.failures.set("mount", new Error("no such server"));
		await expect(scene.attach("c1", { "/x": volumeAt("data", { options: mounted }) })).rejects.toThrow(
			"no such server",
		);
		expect([scene.names, await scene.onDisk(), scene.store.all("SELECT * FROM attachment")]).toEqual([[], [], []]);
		await scene.attach("c1", { "/x": volumeAt("data", { options: mounted }) }, { activateLater: true });
		scene.local.failures.set("mount", new Error("no such server"));
		await expect(scene.activate("c1")).rejects.toThrow("no such server");
		expect([[...scene.local.mounted], scene.store.get("SELECT active FROM attachment")]).toEqual([[], { active: 0 }]);
	});
});
