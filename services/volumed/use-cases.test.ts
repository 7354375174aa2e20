import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createLog } from "#lib/log/log.ts";
import { Store } from "#lib/store/store.ts";
import type { AttachSpec, MountSource } from "./attachment.ts";
import { Attachments } from "./attachments.ts";
import { Jobs } from "./jobs.ts";
import { reconcile } from "./reconcile.ts";
import { MIGRATIONS } from "./schema.ts";
import { ModelDisk, ModelHost } from "./test-support/model-disk.ts";
import { Turns } from "#lib/concurrency/turns.ts";
import { LOCAL, parseVolumeName, type VolumeSpec } from "./volume.ts";
import { type Parts, Volumes } from "./volumes.ts";

let folder: string;
let store: Store;
let disk: ModelDisk;
let host: ModelHost;
let parts: Parts;
let volumes: Volumes;
let attachments: Attachments;
const log = createLog({ service: "test", level: "silent" });
const nothing = () => [];
const { signal } = new AbortController();

beforeEach(async () => {
	folder = mkdtempSync(join(tmpdir(), "wharf-volumed-"));
	store = await Store.open({ path: join(folder, "state/volumed.db"), migrations: MIGRATIONS });
	disk = new ModelDisk();
	host = new ModelHost();
	parts = { store, disk, turns: new Turns(), jobs: new Jobs(), now: () => 1_700_000_000_000 };
	volumes = new Volumes(parts);
	attachments = new Attachments(parts, host, volumes);
});
afterEach(async () => {
	await store.close();
	rmSync(folder, { recursive: true });
});

const specOf = (name: string | undefined, more: Partial<VolumeSpec> = {}): VolumeSpec => ({
	name: name === undefined ? undefined : parseVolumeName(name),
	driver: LOCAL,
	options: new Map(),
	labels: new Map(),
	...more,
});
const create = (name?: string, more?: Partial<VolumeSpec>) => volumes.create(specOf(name, more), nothing);
const names = () => volumes.list({ names: [], labels: new Map() }, "", 100).map(({ name }) => name);
const onDisk = async () => (await disk.observe()).map(({ name }) => name);
const facts = () => store.outbox.after(0, 100).map(({ subject }) => subject.replace("wharf.v1.", ""));
const volumeAt = (name?: string, copy = true): MountSource => ({
	kind: "volume",
	name: name === undefined ? undefined : parseVolumeName(name),
	copy,
});
const bindAt = (path: string, make = false): MountSource => ({
	kind: "bind",
	path,
	create: make,
	propagation: "rprivate",
});

function attach(containerId: string, mounts: Readonly<Record<string, MountSource>>, more: Partial<AttachSpec> = {}) {
	const list = Object.entries(mounts).map(([destination, source]) => ({ destination, readOnly: false, source }));
	const spec = { holder: "test", containerId, containerName: "web", mounts: list, imageRoot: undefined, ...more };
	return attachments.attach(spec, nothing, signal);
}
const detach = (containerId: string, anonymous = false) =>
	attachments.detach({ holder: "test", containerId }, anonymous, nothing);

describe("volumes", () => {
	test("the same one again is the same one; another one of its name is refused with the difference", async () => {
		const labels = new Map([["a", "1"]]);
		const first = await create("data", { labels });
		expect(await create("data", { labels })).toMatchObject(first);
		await expect(create("data")).rejects.toMatchObject({
			reason: "VOLUME_EXISTS",
			message: "The volume data is there already, with the label a=1, which was not asked for.",
		});
		expect([names(), facts()]).toEqual([["data"], ["volume.created"]]);
	});

	test("without a name one is made up", async () => {
		const { name, anonymous } = await create();
		expect([name, anonymous]).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), true]);
	});

	test("other drivers and options are refused before anything is made", async () => {
		expect(() => create("data", { driver: "nfs" })).toThrow(expect.objectContaining({ reason: "UNKNOWN_DRIVER" }));
		expect(() => create("data", { options: new Map([["size", "1g"]]) })).toThrow(
			expect.objectContaining({ reason: "UNKNOWN_OPTION" }),
		);
		expect([names(), await onDisk()]).toEqual([[], []]);
	});

	test("one that cannot be made leaves nothing", async () => {
		disk.failures.set("ensure", new Error("broken"));
		await expect(create("data")).rejects.toThrow("broken");
		expect([store.all("SELECT * FROM volume"), await onDisk()]).toEqual([[], []]);
		await create("data");
	});

	test("many at once for one name make one", async () => {
		await Promise.all(Array.from({ length: 20 }, () => create("data")));
		expect(facts()).toEqual(["volume.created"]);
	});

	test("lists are by name, by label, and by page", async () => {
		for (const name of ["cc", "aa", "bb"])
			await create(name, {
				labels: new Map([
					["of", name],
					["all", "x"],
				]),
			});
		const list = (labels: [string, string][], after = "", limit = 100) =>
			volumes.list({ names: [], labels: new Map(labels) }, after, limit).map(({ name }) => name);
		expect([
			list([]),
			list([["of", "bb"]]),
			list([
				["of", ""],
				["all", "x"],
			]),
			list([["none", ""]]),
			list([], "aa", 1),
		]).toEqual([["aa", "bb", "cc"], ["bb"], ["aa", "bb", "cc"], [], ["bb"]]);
	});

	test("removal: missing, in use, gone", async () => {
		await expect(volumes.delete(parseVolumeName("data"), nothing)).rejects.toMatchObject({
			reason: "VOLUME_NOT_FOUND",
		});
		await create("data");
		await attach("c1", { "/x": volumeAt("data") });
		await expect(volumes.delete(parseVolumeName("data"), nothing)).rejects.toMatchObject({
			reason: "VOLUME_IN_USE",
			message: "The volume data is in use by web (c1).",
		});
		await detach("c1");
		await volumes.delete(parseVolumeName("data"), nothing);
		expect([names(), await onDisk(), facts().at(-1)]).toEqual([[], [], "volume.deleted"]);
	});

	test("a removal that fails half way is not undone, and can be repeated", async () => {
		await create("data");
		disk.failures.set("remove", new Error("broken"));
		await expect(volumes.delete(parseVolumeName("data"), nothing)).rejects.toThrow("broken");
		expect([names(), await onDisk()]).toEqual([[], ["data"]]);
		await volumes.delete(parseVolumeName("data"), nothing);
		expect(await onDisk()).toEqual([]);
	});
});

describe("attachments", () => {
	test("make what is missing, hold it, and say what to mount in which order", async () => {
		host.paths.add("/srv");
		const { mounts } = await attach("c1", { "/a/b": volumeAt("data"), "/a": bindAt("/srv"), "/t": volumeAt() });
		expect(
			mounts.map(({ destination, volume }) => [destination, volume.slice(0, 4).replace(/^[0-9a-f]{4}$/, "anon")]),
		).toEqual([
			["/a", ""],
			["/t", "anon"],
			["/a/b", "data"],
		]);
		expect(volumes.get(parseVolumeName("data")).containerIds).toEqual(["c1"]);
	});

	test("the same again is the same; other mounts are refused until it is detached", async () => {
		const first = await attach("c1", { "/x": volumeAt("data") });
		expect(await attach("c1", { "/x": volumeAt("data") })).toMatchObject({ id: first.id });
		await expect(attach("c1", { "/y": volumeAt("data") })).rejects.toMatchObject({ reason: "ALREADY_ATTACHED" });
		expect(await detach("c1")).toEqual({ detached: true, removedVolumes: [] });
		expect(await detach("c1")).toEqual({ detached: false, removedVolumes: [] });
		await attach("c1", { "/y": volumeAt("data") });
	});

	test("all or nothing: what is refused has made nothing", async () => {
		await expect(attach("c1", { "/x": volumeAt("new"), "/y": bindAt("/missing") })).rejects.toMatchObject({
			reason: "SOURCE_NOT_FOUND",
		});
		expect([names(), await onDisk(), facts()]).toEqual([[], [], []]);
		disk.failures.set("fill", new Error("broken"));
		const mounts = { "/x": volumeAt("new"), "/y": bindAt("/made/here", true) };
		await expect(attach("c1", mounts, { imageRoot: "/image" })).rejects.toThrow("broken");
		expect([store.all("SELECT * FROM volume"), await onDisk(), [...host.paths]]).toEqual([[], [], ["/"]]);
		await attach("c1", mounts);
		expect(host.paths.has("/made/here")).toBe(true);
	});

	test("a volume is filled from the image once, while nothing was ever in it", async () => {
		disk.images.set("/image/app", ["conf"]);
		const imageRoot = "/image";
		await create("made");
		await attach("c1", { "/app": volumeAt("made") }, { imageRoot });
		expect([...disk.content("made")]).toEqual(["conf"]);
		disk.content("made").clear();
		await attach("c2", { "/app": volumeAt("made") }, { imageRoot });
		expect([...disk.content("made")]).toEqual([]);
		await attach("c3", { "/app": volumeAt("bare", false) }, { imageRoot });
		await attach("c4", { "/elsewhere": volumeAt("other") }, { imageRoot });
		expect([...disk.content("bare"), ...disk.content("other")]).toEqual([]);
		await create("used");
		disk.content("used").add("mine");
		await attach("c5", { "/app": volumeAt("used") }, { imageRoot });
		expect([...disk.content("used")]).toEqual(["mine"]);
	});

	test("volumes without a name go with their last container when asked", async () => {
		const { mounts } = await attach("c1", { "/x": volumeAt(), "/y": volumeAt("named") });
		const anonymous = mounts.find(({ volume }) => volume !== "named")?.volume ?? "";
		await attach("c2", { "/x": volumeAt(anonymous) });
		expect(await detach("c1", true)).toEqual({ detached: true, removedVolumes: [] });
		expect(await detach("c2", true)).toEqual({ detached: true, removedVolumes: [anonymous] });
		expect(names()).toEqual(["named"]);
	});

	test("a volume that is being restored is not given out", async () => {
		await create("data");
		const identity = { kind: "restore", volume: "data", requestId: "r", bodyHash: "" } as const;
		using _ = parts.jobs.own(identity, signal);
		await expect(attach("c1", { "/x": volumeAt("data") })).rejects.toMatchObject({ reason: "VOLUME_BUSY" });
		await expect(volumes.delete(parseVolumeName("data"), nothing)).rejects.toMatchObject({ reason: "VOLUME_BUSY" });
	});
});

describe("reconcile", () => {
	test("brings to an end what a crash left, and deletes nothing that nobody accounted for", async () => {
		await create("kept");
		const insert = (name: string, state: string) => ({
			sql: "INSERT INTO volume VALUES (?, 'local', '{}', '{}', 0, ?, 1, 0)",
			params: [name, state],
		});
		await store.write([insert("creating", "CREATING"), insert("deleting", "DELETING"), insert("hollow", "ACTIVE")]);
		for (const name of ["creating", "deleting", "found"]) await disk.ensure(name);
		disk.content("found").add("precious");
		await disk.stage("kept", "left");
		await disk.stage("stray", "x");
		await reconcile(parts, volumes, log);
		expect(names()).toEqual(["found", "hollow", "kept"]);
		expect((await onDisk()).toSorted()).toEqual(["found", "kept"]);
		expect([...disk.content("found")]).toEqual(["precious"]);
		expect(disk.setAsideNames).toEqual(["stray"]);
		expect(await disk.identity("kept", "left")).toBeUndefined();
		await expect(attach("c1", { "/x": volumeAt("hollow") })).rejects.toMatchObject({ reason: "VOLUME_DATA_MISSING" });
	});
});
