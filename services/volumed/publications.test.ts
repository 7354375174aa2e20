import { describe, expect } from "vitest";
import { mounted } from "./test-support/scene.ts";
import { test } from "./test-support/scene-test.ts";

describe("publications", () => {
	test("show a volume at a path, mounted for it, and hold it", async ({ scene }) => {
		await scene.create("data", { options: mounted });
		await scene.publish("/srv/data", "data");
		expect(await scene.publish("/srv/data", "data")).toMatchObject({ path: "/srv/data", volume: "data" });
		expect([[...scene.local.mounted], [...scene.views.published.keys()], scene.get("data").publishedAt]).toEqual([
			["data"],
			["/srv/data"],
			["/srv/data"],
		]);
		await expect(scene.remove("data")).rejects.toMatchObject({
			reason: "VOLUME_IN_USE",
			message: "The volume data is in use by the path /srv/data.",
			help: expect.stringContaining("`wharf volume unpublish`") as string,
		});
		await expect(scene.publish("/srv/data", "data", { readOnly: true })).rejects.toMatchObject({
			reason: "ALREADY_PUBLISHED",
		});
		await expect(scene.publish("/srv/x", "none")).rejects.toMatchObject({ reason: "VOLUME_NOT_FOUND" });
		expect([await scene.unpublish("/srv/data"), await scene.unpublish("/srv/data")]).toEqual([true, false]);
		expect([[...scene.local.mounted], [...scene.views.published]]).toEqual([[], []]);
		await scene.remove("data");
	});

	test("that fail leave nothing", async ({ scene }) => {
		await scene.create("data", { options: mounted });
		scene.views.failure = new Error("no such path");
		await expect(scene.publish("/srv/data", "data")).rejects.toThrow("no such path");
		expect([[...scene.local.mounted], scene.store.all("SELECT * FROM publication")]).toEqual([[], []]);
	});

	test("are there again after a reboot, and gone when they were going", async ({ scene }) => {
		await scene.create("data", { options: mounted });
		await scene.publish("/srv/one", "data");
		await scene.publish("/srv/two", "data");
		scene.local.mounted.clear();
		scene.views.published.clear();
		scene.views.published.set("/srv/two", undefined as never);
		await scene.store.write([{ sql: "UPDATE publication SET state = 'DELETING' WHERE path = '/srv/two'", params: [] }]);
		await scene.mend();
		expect([
			[...scene.local.mounted],
			[...scene.views.published.keys()],
			scene.publications.list("", "", 10).length,
		]).toEqual([["data"], ["/srv/one"], 1]);
	});
});
