import { describe, expect } from "vitest";
import { reconcile } from "./reconcile.ts";
import { mounted, volumeAt } from "./test-support/scene.ts";
import { test } from "./test-support/scene-test.ts";

test("a restart finds mounted what the store says, whatever there was", async ({ scene }) => {
	await scene.create("unused", { options: mounted });
	await scene.attach("c1", { "/x": volumeAt("data", { options: mounted, subpath: "in" }) });
	const made = [...scene.views.made];
	scene.local.mounted.clear();
	scene.local.mounted.add("unused");
	scene.views.made.clear();
	for (const [, view] of made) scene.views.made.set("stray/0", { ...view, origin: "/elsewhere" });
	await scene.mend();
	expect([[...scene.local.mounted], [...scene.views.made]]).toEqual([["data"], made]);
});

describe("mounts are mended", () => {
	test("although a server does not answer", async ({ scene }) => {
		for (const name of ["far", "near"])
			await scene.attach(`of-${name}`, { "/x": volumeAt(name, { options: mounted }) });
		scene.local.mounted.clear();
		const { promise: never } = Promise.withResolvers<string>();
		const mount = scene.local.mount.bind(scene.local);
		scene.local.mount = (volume) => (volume.name === "far" ? never : mount(volume));
		const failures = scene.mend();
		await expect.poll(() => scene.local.mounted.has("near")).toBe(true);
		expect(await Promise.race([failures, Promise.resolve("waiting")])).toBe("waiting");
	});

	test("and the view of an attachment that becomes active meanwhile stays", async ({ scene }) => {
		const prepared = scene.views.prepared.bind(scene.views);
		scene.views.prepared = async () => {
			await scene.attach("c1", { "/x": volumeAt("data", { subpath: "in" }) });
			scene.views.made.set("stray/0", { origin: "/elsewhere" } as never);
			return prepared();
		};
		await scene.mend();
		expect([...scene.views.made.keys()]).toEqual([expect.stringMatching(/^[0-9a-f]{64}\/0$/)]);
	});

	test("and a removal whose driver is away keeps nothing else; it is ended when somebody asks again", async ({
		scene,
	}) => {
		for (const name of ["away", "near"]) await scene.create(name);
		await scene.store.write([{ sql: "UPDATE volume SET state = 'DELETING'", params: [] }]);
		scene.local.failures.set("remove", new Error("nobody answers"));
		await scene.mend();
		expect([await scene.onDisk(), scene.store.all("SELECT name, state FROM volume")]).toEqual([
			["away"],
			[{ name: "away", state: "DELETING" }],
		]);
		await scene.remove("away");
		expect(await scene.onDisk()).toEqual([]);
	});

	test("and an attachment that nobody was answered about is undone, though its volume cannot be unmounted yet", async ({
		scene,
	}) => {
		await scene.create("data", { options: mounted });
		await scene.attach("c1", { "/x": volumeAt("data") });
		await scene.store.write([{ sql: "UPDATE attachment SET pending = 1", params: [] }]);
		scene.local.failures.set("unmount", new Error("nobody answers"));
		await reconcile(scene.parts, scene);
		expect([[...scene.local.mounted], scene.store.all("SELECT id FROM attachment")]).toEqual([["data"], []]);
		await scene.mend();
		expect([...scene.local.mounted]).toEqual([]);
	});
});
