import { describe, expect } from "vitest";
import { bindAt, mounted, volumeAt } from "./test-support/scene.ts";
import { test } from "./test-support/scene-test.ts";

describe("attachments", () => {
	test("make what is missing, hold it, and say what to mount in which order", async ({ scene }) => {
		scene.host.paths.add("/srv");
		const { mounts } = await scene.attach("c1", { "/a/b": volumeAt("data"), "/a": bindAt("/srv"), "/t": volumeAt() });
		expect(
			mounts.map(({ destination, volume }) => [destination, volume.slice(0, 4).replace(/^[0-9a-f]{4}$/, "anon")]),
		).toEqual([
			["/a", ""],
			["/t", "anon"],
			["/a/b", "data"],
		]);
		expect(scene.get("data").containerIds).toEqual(["c1"]);
	});

	test("the same again is the same; other mounts are refused until it is detached", async ({ scene }) => {
		const first = await scene.attach("c1", { "/x": volumeAt("data") });
		expect(await scene.attach("c1", { "/x": volumeAt("data") })).toMatchObject({ id: first.id });
		await expect(scene.attach("c1", { "/y": volumeAt("data") })).rejects.toMatchObject({ reason: "ALREADY_ATTACHED" });
		expect(await scene.detach("c1")).toEqual({ detached: true, removedVolumes: [] });
		expect(await scene.detach("c1")).toEqual({ detached: false, removedVolumes: [] });
		await scene.attach("c1", { "/y": volumeAt("data") });
	});

	test("all or nothing: what is refused has made nothing", async ({ scene }) => {
		await expect(scene.attach("c1", { "/x": volumeAt("new"), "/y": bindAt("/missing") })).rejects.toMatchObject({
			reason: "SOURCE_NOT_FOUND",
		});
		expect([scene.names, await scene.onDisk(), scene.facts]).toEqual([[], [], []]);
		scene.disk.images.set("/image/x", ["conf"]);
		scene.disk.failures.set("fill", new Error("broken"));
		const mounts = { "/x": volumeAt("new"), "/y": bindAt("/made/here", true) };
		await expect(scene.attach("c1", mounts, { imageRoot: "/image" })).rejects.toThrow("broken");
		expect([scene.store.all("SELECT * FROM volume"), await scene.onDisk(), [...scene.host.paths]]).toEqual([
			[],
			[],
			["/"],
		]);
		await scene.attach("c1", mounts);
		expect(scene.host.paths.has("/made/here")).toBe(true);
	});

	test("a volume is filled from the image once, while nothing was ever in it", async ({ scene }) => {
		scene.disk.images.set("/image/app", ["conf"]);
		const imageRoot = "/image";
		await scene.create("made");
		await scene.attach("c1", { "/app": volumeAt("made") }, { imageRoot });
		expect([...scene.disk.content("made")]).toEqual(["conf"]);
		scene.disk.content("made").clear();
		await scene.attach("c2", { "/app": volumeAt("made") }, { imageRoot });
		expect([...scene.disk.content("made")]).toEqual([]);
		await scene.attach("c3", { "/app": volumeAt("bare", { copy: false }) }, { imageRoot });
		await scene.attach("c4", { "/elsewhere": volumeAt("other") }, { imageRoot });
		expect([...scene.disk.content("bare"), ...scene.disk.content("other")]).toEqual([]);
		await scene.create("used");
		scene.disk.content("used").add("mine");
		await scene.attach("c5", { "/app": volumeAt("used") }, { imageRoot });
		expect([...scene.disk.content("used")]).toEqual(["mine"]);
	});

	test("volumes without a name go with their last container when asked", async ({ scene }) => {
		const { mounts } = await scene.attach("c1", { "/x": volumeAt(), "/y": volumeAt("named") });
		const anonymous = mounts.find(({ volume }) => volume !== "named")?.volume ?? "";
		await scene.attach("c2", { "/x": volumeAt(anonymous) });
		expect(await scene.detach("c1", true)).toEqual({ detached: true, removedVolumes: [] });
		expect(await scene.detach("c2", true)).toEqual({ detached: true, removedVolumes: [anonymous] });
		expect(scene.names).toEqual(["named"]);
	});

	test("a volume whose removal with its container stopped half way goes later", async ({ scene }) => {
		const { mounts } = await scene.attach("c1", { "/x": volumeAt() });
		scene.local.failures.set("remove", new Error("away"));
		await expect(scene.detach("c1", true)).rejects.toThrow("away");
		expect([scene.names, await scene.onDisk()]).toEqual([[], [mounts[0]?.volume]]);
		scene.local.failures.set("remove", new Error("still away"));
		expect(await scene.volumes.finishRemovals()).toBe(1);
		expect([await scene.volumes.finishRemovals(), await scene.onDisk(), scene.facts.at(-1)]).toEqual([
			0,
			[],
			"volume.deleted",
		]);
	});

	test("a volume that is being restored is not given out", async ({ scene }) => {
		await scene.create("data");
		const identity = { kind: "restore", volume: "data", requestId: "r", bodyHash: "" } as const;
		using _ = scene.parts.jobs.own(identity, scene.signal);
		await expect(scene.attach("c1", { "/x": volumeAt("data") })).rejects.toMatchObject({ reason: "VOLUME_BUSY" });
		await expect(scene.remove("data")).rejects.toMatchObject({ reason: "VOLUME_BUSY" });
	});

	test("a file of the image where a volume is to be is refused", async ({ scene }) => {
		scene.disk.imageFiles.add("/image/etc/passwd");
		await expect(scene.attach("c1", { "/etc/passwd": volumeAt("new") }, { imageRoot: "/image" })).rejects.toMatchObject(
			{
				reason: "DESTINATION_IS_FILE",
			},
		);
		expect([scene.names, await scene.onDisk()]).toEqual([[], []]);
	});

	test("an empty directory of the image gives only owner and mode", async ({ scene }) => {
		scene.disk.images.set("/image/app", []);
		await scene.attach("c1", { "/app": volumeAt("data") }, { imageRoot: "/image" });
		expect([scene.disk.likenessOf("data"), [...scene.disk.content("data")]]).toEqual(["/image/app", []]);
	});

	test("a volume that is there with other options, or of another driver, is refused; one that says nothing takes it", async ({
		scene,
	}) => {
		await scene.create("data", { options: mounted });
		await expect(
			scene.attach("c1", { "/x": volumeAt("data", { options: new Map([["type", "nfs"]]) }) }),
		).rejects.toMatchObject({
			reason: "VOLUME_EXISTS",
		});
		await expect(scene.attach("c1", { "/x": volumeAt("data", { driver: "other" }) })).rejects.toMatchObject({
			reason: "VOLUME_EXISTS",
		});
		await scene.attach("c1", { "/x": volumeAt("data") });
		await scene.attach("c2", { "/x": volumeAt("data", { driver: "local", options: mounted }) });
	});

	test("parts of volumes and mapped owners get places of their own", async ({ scene }) => {
		const { id, mounts } = await scene.attach(
			"c1",
			{ "/x": volumeAt("data", { subpath: "in" }) },
			{ activateLater: true },
		);
		expect([mounts[0]?.source, [...scene.views.made.keys()]]).toEqual([`/run/mounts/${id}/0`, []]);
		await scene.activate("c1");
		expect([...scene.views.made]).toMatchObject([[`${id}/0`, { origin: "/volumes/data/_data", subpath: "in" }]]);
		await scene.deactivate("c1");
		expect([...scene.views.made]).toEqual([]);
		scene.views.failure = new Error("no such part");
		await expect(scene.activate("c1")).rejects.toThrow("no such part");
		expect(scene.store.get("SELECT active FROM attachment")).toEqual({ active: 0 });
	});

	test("know the control group that was said last, and another one is no other attachment", async ({ scene }) => {
		const known = () => scene.attachments.list({ holder: "test", containerId: "c1", volume: undefined }, 0, 10);
		const attach = (cgroup?: string) => scene.attach("c1", { "/x": volumeAt("data") }, { cgroup });
		const { id } = await attach();
		expect(known()).toMatchObject([{ id, cgroup: "" }]);
		expect(await attach("/a/c1")).toMatchObject({ id, cgroup: "/a/c1" });
		expect(await attach()).toMatchObject({ id, cgroup: "/a/c1" });
		expect(await scene.activate("c1", "/b/c1")).toMatchObject({ id, cgroup: "/b/c1" });
		expect(await scene.activate("c1")).toMatchObject({ id, cgroup: "/b/c1" });
		expect(known()).toMatchObject([{ id, cgroup: "/b/c1" }]);
		expect(await scene.activate("c1", "")).toMatchObject({ id, cgroup: "" });
		expect(known()).toMatchObject([{ id, cgroup: "" }]);
	});

	test("that are ready know another control group, too", async ({ scene }) => {
		const known = () => scene.attachments.list({ holder: "test", containerId: "c1", volume: undefined }, 0, 10);
		const attach = (cgroup: string) => scene.attach("c1", { "/x": volumeAt("data", { options: mounted }) }, { cgroup });
		expect(await attach("/a/c1")).toMatchObject({ active: true, cgroup: "/a/c1" });
		expect(known()).toMatchObject([{ active: true, cgroup: "/a/c1" }]);
		expect(await attach("/b/c1")).toMatchObject({ active: true, cgroup: "/b/c1" });
		expect(known()).toMatchObject([{ active: true, cgroup: "/b/c1" }]);
	});
});
