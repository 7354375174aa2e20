import { describe, expect } from "vitest";
import { bindAt, volumeAt } from "./test-support/scene.ts";
import { test } from "./test-support/scene-test.ts";

describe("mounts of other containers", () => {
	const mountsOf = (...of: readonly (readonly [string, boolean?])[]) => ({
		mountsOf: of.map(([containerId, readOnly = false]) => ({ containerId, readOnly })),
	});

	test("are the same ones; a later container's go before, and one's own before all", async ({ scene }) => {
		scene.host.paths.add("/srv");
		await scene.attach("a1", { "/data": volumeAt("data"), "/srv": bindAt("/srv") });
		await scene.attach("b1", { "/data": volumeAt("other"), "/x": volumeAt("mine") });
		const { mounts } = await scene.attach("c1", { "/x": volumeAt("own") }, mountsOf(["a1"], ["b1"]));
		expect(mounts.map(({ destination, volume }) => [destination, volume])).toEqual([
			["/data", "other"],
			["/srv", ""],
			["/x", "own"],
		]);
		await scene.detach("a1");
		await scene.detach("b1");
		await expect(scene.remove("other")).rejects.toMatchObject({ reason: "VOLUME_IN_USE" });
	});

	test("can be made read-only and never writable, over any number of steps", async ({ scene }) => {
		await scene.attach("a1", { "/data": volumeAt("data") });
		const read = await scene.attach("b1", {}, mountsOf(["a1", true]));
		const again = await scene.attach("c1", {}, mountsOf(["b1"]));
		for (const { mounts } of [read, again]) {
			expect(mounts).toMatchObject([{ readOnly: true, options: ["rbind", "ro", "rro", "rprivate"] }]);
		}
	});

	test("of a container that is not attached are refused", async ({ scene }) => {
		await expect(scene.attach("c1", {}, mountsOf(["none"]))).rejects.toMatchObject({ reason: "ATTACHMENT_NOT_FOUND" });
	});

	test("are not filled from the image", async ({ scene }) => {
		await scene.create("data");
		await scene.attach("a1", { "/app": volumeAt("data", { copy: false }) });
		scene.disk.images.set("/image/app", ["conf"]);
		await scene.attach("c1", {}, { ...mountsOf(["a1"]), imageRoot: "/image" });
		expect([...scene.disk.content("data")]).toEqual([]);
	});
});
