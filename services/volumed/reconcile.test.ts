import { describe, expect } from "vitest";
import { mounted, volumeAt } from "./test-support/scene.ts";
import { test } from "./test-support/scene-test.ts";

describe("reconcile", () => {
	test("brings to an end what a crash left, and deletes nothing that nobody accounted for", async ({ scene }) => {
		await scene.create("kept");
		const insert = (name: string, state: string, synced = 1) => ({
			sql: "INSERT INTO volume (name, driver, options, labels, anonymous, state, pristine, created_at, synced) VALUES (?, 'local', '{}', '{}', 0, ?, 1, 0, ?)",
			params: [name, state, synced],
		});
		await scene.store.write([
			insert("creating", "CREATING"),
			insert("deleting", "DELETING"),
			insert("hollow", "ACTIVE"),
			insert("untouched", "ACTIVE", 0),
		]);
		for (const name of ["creating", "deleting", "found", "bare"]) await scene.disk.ensure(name);
		scene.disk.content("found").add("precious");
		await scene.disk.stage("kept", "left");
		await scene.disk.stage("stray", "x");
		await scene.mend();
		expect(scene.names).toEqual(["found", "hollow", "kept", "untouched"]);
		expect((await scene.onDisk()).toSorted()).toEqual(["found", "kept", "untouched"]);
		expect([...scene.disk.content("found")]).toEqual(["precious"]);
		expect(scene.disk.setAsideNames).toEqual(["stray"]);
		expect(await scene.disk.identity("kept", "left")).toBeUndefined();
		await expect(scene.attach("c1", { "/x": volumeAt("hollow") })).rejects.toMatchObject({
			reason: "VOLUME_DATA_MISSING",
		});
	});

	test("a removal that was answered is over, and one that was not has never been", async ({ scene }) => {
		for (const name of ["gone", "back"]) {
			await scene.create(name);
			scene.disk.content(name).add("kept");
			await scene.attach(name, { "/x": volumeAt(name) });
			await scene.detach(name);
		}
		// A power cut took the move of the first, and the intent of the second.
		await scene.store.write([
			{ sql: "UPDATE volume SET state = 'DELETING', gone = 1 WHERE name = 'gone'", params: [] },
		]);
		await scene.disk.remove("back");
		await scene.mend();
		expect([scene.names, await scene.onDisk(), [...scene.disk.content("back")]]).toEqual([
			["back"],
			["back"],
			["kept"],
		]);
	});

	test("another name is finished when the content had moved, and dropped when not", async ({ scene }) => {
		await scene.create("moved");
		await scene.create("stayed");
		await scene.store.write([{ sql: "UPDATE volume SET new_name = name || '-new'", params: [] }]);
		await scene.disk.rename("moved", "moved-new");
		await scene.mend();
		expect([scene.names, (await scene.onDisk()).toSorted()]).toEqual([
			["moved-new", "stayed"],
			["moved-new", "stayed"],
		]);
	});

	test("what nobody was answered about is taken back", async ({ scene }) => {
		await scene.attach("c1", { "/x": volumeAt("data", { options: mounted }) });
		await scene.store.write([
			{ sql: "UPDATE attachment SET pending = 1", params: [] },
			{ sql: "UPDATE volume SET state = 'CREATING'", params: [] },
		]);
		await scene.mend();
		expect([[...scene.local.mounted], await scene.onDisk(), scene.store.all("SELECT name FROM volume")]).toEqual([
			[],
			[],
			[],
		]);
	});
});
