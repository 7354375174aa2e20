import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect } from "vitest";
import { mounted, volumeAt } from "./test-support/scene.ts";
import { test } from "./test-support/scene-test.ts";

describe("mounts in running processes", () => {
	test("hold their volume until they are taken out, or their process has ended", async ({ scene }) => {
		scene.views.processes.set(7, "100");
		await scene.mountInto("c1", 7, "/x", volumeAt("data", { options: mounted }));
		expect([[...scene.views.inside.keys()], [...scene.local.mounted]]).toEqual([["7:/x"], ["data"]]);
		expect(scene.get("data").containerIds).toEqual(["c1"]);
		await expect(scene.mountInto("c1", 7, "/x", volumeAt("other"))).rejects.toMatchObject({
			reason: "ALREADY_MOUNTED",
		});
		await expect(scene.remove("data")).rejects.toMatchObject({ message: "The volume data is in use by web (c1)." });
		expect(await scene.unmountFrom("c1", "/x")).toBe(true);
		expect([await scene.unmountFrom("c1", "/x"), [...scene.views.inside], [...scene.local.mounted]]).toEqual([
			false,
			[],
			[],
		]);
		await scene.mountInto("c1", 7, "/x", volumeAt("data"));
		scene.views.processes.set(7, "200");
		await scene.remove("data");
		expect([...scene.local.mounted]).toEqual([]);
	});

	test("and attachments of one container wait for each other and come to their end", async ({ scene }) => {
		scene.views.processes.set(7, "100");
		await scene.attach("c1", { "/a": volumeAt("first") });
		const all = Promise.allSettled([
			scene.detach("c1"),
			scene.attach("c1", { "/b": volumeAt("data") }),
			scene.mountInto("c1", 7, "/x", volumeAt("data")),
			scene.attach("c2", { "/b": volumeAt("data") }),
			scene.remove("data"),
			scene.detach("c1"),
		]);
		expect(await Promise.race([all, sleep(5_000)])).toBeDefined();
	});

	test("end with the container's own", async ({ scene }) => {
		scene.views.processes.set(7, "100");
		await scene.attach("c1", { "/y": volumeAt("own") }, { activateLater: true });
		await scene.mountInto("c1", 7, "/x", volumeAt("data"));
		await scene.deactivate("c1");
		expect([[...scene.views.inside], scene.get("data").containerIds]).toEqual([[], []]);
	});

	test("of no process, or that fail, leave nothing", async ({ scene }) => {
		await expect(scene.mountInto("c1", 7, "/x", volumeAt("data"))).rejects.toMatchObject({
			reason: "PROCESS_NOT_FOUND",
		});
		scene.views.processes.set(7, "100");
		scene.views.failure = new Error("no such place");
		await expect(scene.mountInto("c1", 7, "/x", volumeAt("data", { options: mounted }))).rejects.toThrow(
			"no such place",
		);
		expect([
			scene.names,
			await scene.onDisk(),
			[...scene.local.mounted],
			scene.store.all("SELECT * FROM live_mount"),
		]).toEqual([[], [], [], []]);
	});
});
