import { describe, expect } from "vitest";
import { NamePatterns } from "./name-patterns.ts";
import { nothing, volumeAt } from "./test-support/scene.ts";
import { test } from "./test-support/scene-test.ts";
import { parseVolumeName } from "./volume.ts";

describe("volumes", () => {
	test("the same one again is the same one; another one of its name is refused with the difference", async ({
		scene,
	}) => {
		const labels = new Map([["a", "1"]]);
		const first = await scene.create("data", { labels });
		expect(await scene.create("data", { labels })).toMatchObject(first);
		await expect(scene.create("data")).rejects.toMatchObject({
			reason: "VOLUME_EXISTS",
			message: "The volume data is there already, with the label a=1, which was not asked for.",
		});
		expect([scene.names, scene.facts]).toEqual([["data"], ["volume.created"]]);
	});

	test("without a name one is made up", async ({ scene }) => {
		const { name, anonymous } = await scene.create();
		expect([name, anonymous]).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), true]);
	});

	test("options that the driver has not are refused before anything is made", async ({ scene }) => {
		await expect(scene.create("data", { options: new Map([["size", "1g"]]) })).rejects.toMatchObject({
			reason: "UNKNOWN_OPTION",
		});
		expect([scene.names, await scene.onDisk()]).toEqual([[], []]);
	});

	test("one that cannot be made leaves nothing", async ({ scene }) => {
		scene.local.failures.set("create", new Error("broken"));
		await expect(scene.create("data")).rejects.toThrow("broken");
		expect([scene.store.all("SELECT * FROM volume"), await scene.onDisk()]).toEqual([[], []]);
		await scene.create("data");
	});

	test("many at once for one name make one", async ({ scene }) => {
		await Promise.all(Array.from({ length: 20 }, () => scene.create("data")));
		expect(scene.facts).toEqual(["volume.created"]);
	});

	test("lists are by name, by label, and by page", async ({ scene }) => {
		for (const name of ["cc", "aa", "bb"])
			await scene.create(name, {
				labels: new Map([
					["of", name],
					["all", "x"],
				]),
			});
		const labelled = (...labels: [string, string][]) => scene.list({ labels: new Map(labels) });
		expect([
			labelled(),
			labelled(["of", "bb"]),
			labelled(["of", ""], ["all", "x"]),
			labelled(["none", ""]),
			scene.list({ withoutLabels: new Map([["of", "bb"]]) }),
			scene.list({}, "aa", 1),
		]).toEqual([["aa", "bb", "cc"], ["bb"], ["aa", "bb", "cc"], [], ["aa", "cc"], ["bb"]]);
	});

	test("lists are by driver, by use, by parts of names", async ({ scene }) => {
		await scene.create("aa");
		await scene.create("ab", { driver: "other" });
		const { name: anonymous } = await scene.create();
		await scene.attach("c1", { "/x": volumeAt("aa") });
		expect([
			scene.list({ drivers: ["other", "none"] }),
			scene.list({ dangling: false }),
			scene.list({ dangling: true, anonymous: false }),
			scene.list({ anonymous: true }),
			scene.list({ patterns: NamePatterns.parse(["^a"]), names: [] }),
			scene.list({ patterns: NamePatterns.parse(["b$", "^aa"]), anonymous: false }, "", 1),
			scene.list({ madeBefore: new Date(0) }),
		]).toEqual([
			["ab"],
			["aa"],
			["ab"],
			[anonymous],
			["aa", "ab"].concat(anonymous.startsWith("a") ? [anonymous] : []).toSorted(),
			["aa"],
			[],
		]);
	});

	test("labels are changed, whoever uses it", async ({ scene }) => {
		await scene.create("data", {
			labels: new Map([
				["a", "1"],
				["b", "2"],
			]),
		});
		await scene.attach("c1", { "/x": volumeAt("data") });
		const change = {
			set: new Map([
				["a", "3"],
				["c", ""],
			]),
			remove: ["b", "never"],
		};
		const { labels } = await scene.volumes.update(parseVolumeName("data"), change, nothing);
		expect([...labels].toSorted()).toEqual([
			["a", "3"],
			["c", ""],
		]);
		expect([...scene.get("data").labels].toSorted()).toEqual([
			["a", "3"],
			["c", ""],
		]);
		expect(scene.facts.at(-1)).toBe("volume.updated");
	});

	test("another name moves the content; a name that is taken, and one in use, are refused", async ({ scene }) => {
		const rename = (from: string, to: string) =>
			scene.volumes.rename(parseVolumeName(from), parseVolumeName(to), nothing);
		const { name } = await scene.create();
		scene.disk.content(name).add("kept");
		expect(await rename(name, "data")).toMatchObject({ name: "data", anonymous: false });
		expect([[...scene.disk.content("data")], scene.names, await scene.onDisk()]).toEqual([
			["kept"],
			["data"],
			["data"],
		]);
		await scene.create("other");
		await expect(rename("data", "other")).rejects.toMatchObject({ reason: "NAME_TAKEN" });
		await expect(rename("none", "more")).rejects.toMatchObject({ reason: "VOLUME_NOT_FOUND" });
		await scene.attach("c1", { "/x": volumeAt("data") });
		await expect(rename("data", "more")).rejects.toMatchObject({ reason: "VOLUME_IN_USE" });
		await scene.create("far", { driver: "other" });
		await expect(rename("far", "more")).rejects.toMatchObject({ reason: "CANNOT_RENAME" });
		await scene.detach("c1");
		scene.disk.failures.set("rename", new Error("broken"));
		await expect(rename("data", "more")).rejects.toThrow("broken");
		expect([scene.names, scene.get("data").name]).toEqual([["data", "far", "other"], "data"]);
	});

	test("removal: missing, in use, gone", async ({ scene }) => {
		await expect(scene.remove("data")).rejects.toMatchObject({
			reason: "VOLUME_NOT_FOUND",
		});
		await scene.create("data");
		await scene.attach("c1", { "/x": volumeAt("data") });
		await expect(scene.remove("data")).rejects.toMatchObject({
			reason: "VOLUME_IN_USE",
			message: "The volume data is in use by web (c1).",
		});
		await scene.detach("c1");
		await scene.remove("data");
		expect([scene.names, await scene.onDisk(), scene.facts.at(-1)]).toEqual([[], [], "volume.deleted"]);
		await expect(scene.remove("data")).rejects.toMatchObject({ reason: "VOLUME_NOT_FOUND" });
		await scene.create("data");
		expect([scene.names, [...scene.disk.content("data")]]).toEqual([["data"], []]);
	});

	test("a removal that fails leaves the volume as it was, and can be repeated", async ({ scene }) => {
		await scene.create("data");
		scene.disk.content("data").add("kept");
		scene.local.failures.set("remove", new Error("broken"));
		await expect(scene.remove("data")).rejects.toThrow("broken");
		expect([scene.names, [...scene.disk.content("data")]]).toEqual([["data"], ["kept"]]);
		await scene.remove("data");
		expect(await scene.onDisk()).toEqual([]);
	});
});
