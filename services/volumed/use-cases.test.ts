import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Fault } from "#lib/fault/fault.ts";
import { createLog } from "#lib/log/log.ts";
import { Store } from "#lib/store/store.ts";
import type { AttachSpec, MountSource, VolumeSource } from "./attachment.ts";
import { Attachments } from "./attachments.ts";
import { Drivers } from "./drivers/drivers.ts";
import { Jobs } from "./jobs.ts";
import { LiveMounts } from "./live-mounts.ts";
import { Mounting } from "./mounting.ts";
import { NamePatterns } from "./name-patterns.ts";
import type { Parts } from "./parts.ts";
import { Prune, type PruneSpec } from "./prune.ts";
import { Publications } from "./publications.ts";
import { mendMounts } from "./mend-mounts.ts";
import { reconcile } from "./reconcile.ts";
import { MIGRATIONS } from "./schema.ts";
import { ModelDisk, ModelHost } from "./test-support/model-disk.ts";
import { ModelDriver } from "./test-support/model-driver.ts";
import { ModelViews } from "./test-support/model-views.ts";
import { Turns } from "#lib/concurrency/turns.ts";
import { LOCAL, parseVolumeName, type VolumeSpec } from "./volume.ts";
import { EVERY_VOLUME, type VolumeFilter } from "./volume-records.ts";
import { Volumes } from "./volumes.ts";

let folder: string;
let store: Store;
let disk: ModelDisk;
let host: ModelHost;
let views: ModelViews;
let local: ModelDriver;
let parts: Parts;
let volumes: Volumes;
let attachments: Attachments;
let liveMounts: LiveMounts;
let publications: Publications;
const log = createLog({ service: "test", level: "silent" });
const nothing = () => [];
const { signal } = new AbortController();

beforeEach(async () => {
	folder = mkdtempSync(join(tmpdir(), "wharf-volumed-"));
	store = await Store.open({ path: join(folder, "state/volumed.db"), migrations: MIGRATIONS });
	disk = new ModelDisk();
	host = new ModelHost();
	views = new ModelViews();
	local = new ModelDriver(LOCAL, disk);
	const drivers = new Drivers([local], (name) => new ModelDriver(name, disk));
	const mounting = new Mounting(store, drivers);
	const [turns, jobs] = [new Turns(), new Jobs()];
	parts = { store, disk, host, views, drivers, mounting, turns, jobs, log, now: () => 1_700_000_000_000 };
	volumes = new Volumes(parts);
	liveMounts = new LiveMounts(parts, volumes);
	publications = new Publications(parts);
	attachments = new Attachments(parts, volumes, liveMounts);
});
afterEach(async () => {
	await volumes.settleDisk();
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
const create = (name?: string, more?: Partial<VolumeSpec>) => volumes.create(specOf(name, more), nothing, signal);
const remove = (name: string) => volumes.delete(parseVolumeName(name), nothing);
const mended = async (): Promise<number> => {
	await reconcile(parts, { volumes, liveMounts });
	return mendMounts(parts, { publications, liveMounts }, signal);
};
const list = (filter: Partial<VolumeFilter> = {}, after = "", limit = 100) =>
	volumes.list({ ...EVERY_VOLUME, ...filter }, after, limit).map(({ name }) => name);
const names = () => list();
const onDisk = async () => (await disk.observe()).map(({ name }) => name);
const facts = () => store.outbox.after(0, 100).map(({ subject }) => subject.replace("wharf.v1.", ""));
const volumeAt = (name?: string, more: Partial<VolumeSource> = {}): MountSource => ({
	kind: "volume",
	name: name === undefined ? undefined : parseVolumeName(name),
	copy: true,
	driver: "",
	options: new Map(),
	labels: new Map(),
	subpath: "",
	...more,
});
const bindAt = (path: string, make = false): MountSource => ({
	kind: "bind",
	path,
	create: make,
	propagation: "rprivate",
	recursion: "enabled",
});
const plain = { readOnly: false, relabel: undefined, owners: undefined, mode: "" } as const;
const mounted = new Map([["type", "tmpfs"]]);

function attach(containerId: string, mounts: Readonly<Record<string, MountSource>>, more: Partial<AttachSpec> = {}) {
	const spec = {
		holder: "test",
		containerId,
		containerName: "web",
		mounts: Object.entries(mounts).map(([destination, source]) => ({ ...plain, destination, source })),
		mountsOf: [],
		imageRoot: undefined,
		activateLater: false,
		...more,
	};
	return attachments.attach(spec, nothing, signal);
}
const party = (containerId: string) => ({ holder: "test", containerId });
const detach = (containerId: string, anonymous = false) => attachments.detach(party(containerId), anonymous, nothing);

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

	test("options that the driver has not are refused before anything is made", async () => {
		await expect(create("data", { options: new Map([["size", "1g"]]) })).rejects.toMatchObject({
			reason: "UNKNOWN_OPTION",
		});
		expect([names(), await onDisk()]).toEqual([[], []]);
	});

	test("one that cannot be made leaves nothing", async () => {
		local.failures.set("create", new Error("broken"));
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
		const labelled = (...labels: [string, string][]) => list({ labels: new Map(labels) });
		expect([
			labelled(),
			labelled(["of", "bb"]),
			labelled(["of", ""], ["all", "x"]),
			labelled(["none", ""]),
			list({ withoutLabels: new Map([["of", "bb"]]) }),
			list({}, "aa", 1),
		]).toEqual([["aa", "bb", "cc"], ["bb"], ["aa", "bb", "cc"], [], ["aa", "cc"], ["bb"]]);
	});

	test("lists are by driver, by use, by parts of names", async () => {
		await create("aa");
		await create("ab", { driver: "other" });
		const { name: anonymous } = await create();
		await attach("c1", { "/x": volumeAt("aa") });
		expect([
			list({ drivers: ["other", "none"] }),
			list({ dangling: false }),
			list({ dangling: true, anonymous: false }),
			list({ anonymous: true }),
			list({ patterns: NamePatterns.parse(["^a"]), names: [] }),
			list({ patterns: NamePatterns.parse(["b$", "^aa"]), anonymous: false }, "", 1),
			list({ madeBefore: new Date(0) }),
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

	test("labels are changed, whoever uses it", async () => {
		await create("data", {
			labels: new Map([
				["a", "1"],
				["b", "2"],
			]),
		});
		await attach("c1", { "/x": volumeAt("data") });
		const change = {
			set: new Map([
				["a", "3"],
				["c", ""],
			]),
			remove: ["b", "never"],
		};
		const { labels } = await volumes.update(parseVolumeName("data"), change, nothing);
		expect([...labels].toSorted()).toEqual([
			["a", "3"],
			["c", ""],
		]);
		expect([...volumes.get(parseVolumeName("data")).labels].toSorted()).toEqual([
			["a", "3"],
			["c", ""],
		]);
		expect(facts().at(-1)).toBe("volume.updated");
	});

	test("another name moves the content; a name that is taken, and one in use, are refused", async () => {
		const rename = (from: string, to: string) => volumes.rename(parseVolumeName(from), parseVolumeName(to), nothing);
		const { name } = await create();
		disk.content(name).add("kept");
		expect(await rename(name, "data")).toMatchObject({ name: "data", anonymous: false });
		expect([[...disk.content("data")], names(), await onDisk()]).toEqual([["kept"], ["data"], ["data"]]);
		await create("other");
		await expect(rename("data", "other")).rejects.toMatchObject({ reason: "NAME_TAKEN" });
		await expect(rename("none", "more")).rejects.toMatchObject({ reason: "VOLUME_NOT_FOUND" });
		await attach("c1", { "/x": volumeAt("data") });
		await expect(rename("data", "more")).rejects.toMatchObject({ reason: "VOLUME_IN_USE" });
		await create("far", { driver: "other" });
		await expect(rename("far", "more")).rejects.toMatchObject({ reason: "CANNOT_RENAME" });
		await detach("c1");
		disk.failures.set("rename", new Error("broken"));
		await expect(rename("data", "more")).rejects.toThrow("broken");
		expect([names(), volumes.get(parseVolumeName("data")).name]).toEqual([["data", "far", "other"], "data"]);
	});

	test("prune takes those without a name, or all, and none that somebody uses, that has options, or is another driver's", async () => {
		const amounts = { ofAll: async (paths: readonly string[]) => paths.map(() => ({ bytes: 10n, files: 1n })) };
		const pruning = new Prune(parts, volumes, amounts);
		const prune = (more: Partial<PruneSpec> = {}) =>
			pruning.prune(
				{ all: false, dryRun: false, labels: new Map(), withoutLabels: new Map(), until: undefined, ...more },
				nothing,
				signal,
			);
		const { name: free } = await create();
		const { name: used } = await create();
		await attach("c1", { "/x": volumeAt(used), "/y": volumeAt("taken") });
		await create("named", { labels: new Map([["keep", "1"]]) });
		await create("other");
		await create("optioned", { options: mounted });
		await create("far", { driver: "far" });
		expect(await prune({ dryRun: true })).toEqual({ names: [free], reclaimedBytes: 10n, problems: [] });
		expect(names()).toContain(free);
		expect(await prune()).toEqual({ names: [free], reclaimedBytes: 10n, problems: [] });
		expect(await prune({ all: true, withoutLabels: new Map([["keep", ""]]) })).toMatchObject({ names: ["other"] });
		expect(await prune({ all: true, until: new Date(0) })).toMatchObject({ names: [] });
		local.failures.set("remove", volumeFault());
		expect(await prune({ all: true })).toMatchObject({ names: [], problems: ["The disk is broken."] });
		expect(await prune({ all: true })).toMatchObject({ names: ["named"], problems: [] });
		expect(names()).toEqual(["far", "optioned", "taken", used].toSorted());
	});

	test("removal: missing, in use, gone", async () => {
		await expect(remove("data")).rejects.toMatchObject({
			reason: "VOLUME_NOT_FOUND",
		});
		await create("data");
		await attach("c1", { "/x": volumeAt("data") });
		await expect(remove("data")).rejects.toMatchObject({
			reason: "VOLUME_IN_USE",
			message: "The volume data is in use by web (c1).",
		});
		await detach("c1");
		await remove("data");
		expect([names(), await onDisk(), facts().at(-1)]).toEqual([[], [], "volume.deleted"]);
		await expect(remove("data")).rejects.toMatchObject({ reason: "VOLUME_NOT_FOUND" });
		await create("data");
		expect([names(), [...disk.content("data")]]).toEqual([["data"], []]);
	});

	test("a removal that fails leaves the volume as it was, and can be repeated", async () => {
		await create("data");
		disk.content("data").add("kept");
		local.failures.set("remove", new Error("broken"));
		await expect(remove("data")).rejects.toThrow("broken");
		expect([names(), [...disk.content("data")]]).toEqual([["data"], ["kept"]]);
		await remove("data");
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
		disk.images.set("/image/x", ["conf"]);
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
		await attach("c3", { "/app": volumeAt("bare", { copy: false }) }, { imageRoot });
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

	test("a volume whose removal with its container stopped half way goes later", async () => {
		const { mounts } = await attach("c1", { "/x": volumeAt() });
		local.failures.set("remove", new Error("away"));
		await expect(detach("c1", true)).rejects.toThrow("away");
		expect([names(), await onDisk()]).toEqual([[], [mounts[0]?.volume]]);
		local.failures.set("remove", new Error("still away"));
		expect(await volumes.finishRemovals()).toBe(1);
		expect([await volumes.finishRemovals(), await onDisk(), facts().at(-1)]).toEqual([0, [], "volume.deleted"]);
	});

	test("a volume that is being restored is not given out", async () => {
		await create("data");
		const identity = { kind: "restore", volume: "data", requestId: "r", bodyHash: "" } as const;
		using _ = parts.jobs.own(identity, signal);
		await expect(attach("c1", { "/x": volumeAt("data") })).rejects.toMatchObject({ reason: "VOLUME_BUSY" });
		await expect(remove("data")).rejects.toMatchObject({ reason: "VOLUME_BUSY" });
	});

	test("a file of the image where a volume is to be is refused", async () => {
		disk.imageFiles.add("/image/etc/passwd");
		await expect(attach("c1", { "/etc/passwd": volumeAt("new") }, { imageRoot: "/image" })).rejects.toMatchObject({
			reason: "DESTINATION_IS_FILE",
		});
		expect([names(), await onDisk()]).toEqual([[], []]);
	});

	test("an empty directory of the image gives only owner and mode", async () => {
		disk.images.set("/image/app", []);
		await attach("c1", { "/app": volumeAt("data") }, { imageRoot: "/image" });
		expect([disk.likenessOf("data"), [...disk.content("data")]]).toEqual(["/image/app", []]);
	});

	test("a volume that is there with other options, or of another driver, is refused; one that says nothing takes it", async () => {
		await create("data", { options: mounted });
		await expect(
			attach("c1", { "/x": volumeAt("data", { options: new Map([["type", "nfs"]]) }) }),
		).rejects.toMatchObject({
			reason: "VOLUME_EXISTS",
		});
		await expect(attach("c1", { "/x": volumeAt("data", { driver: "other" }) })).rejects.toMatchObject({
			reason: "VOLUME_EXISTS",
		});
		await attach("c1", { "/x": volumeAt("data") });
		await attach("c2", { "/x": volumeAt("data", { driver: "local", options: mounted }) });
	});
});

describe("mounts of other containers", () => {
	const mountsOf = (...of: readonly (readonly [string, boolean?])[]) => ({
		mountsOf: of.map(([containerId, readOnly = false]) => ({ containerId, readOnly })),
	});

	test("are the same ones; a later container's go before, and one's own before all", async () => {
		host.paths.add("/srv");
		await attach("a1", { "/data": volumeAt("data"), "/srv": bindAt("/srv") });
		await attach("b1", { "/data": volumeAt("other"), "/x": volumeAt("mine") });
		const { mounts } = await attach("c1", { "/x": volumeAt("own") }, mountsOf(["a1"], ["b1"]));
		expect(mounts.map(({ destination, volume }) => [destination, volume])).toEqual([
			["/data", "other"],
			["/srv", ""],
			["/x", "own"],
		]);
		await detach("a1");
		await detach("b1");
		await expect(remove("other")).rejects.toMatchObject({ reason: "VOLUME_IN_USE" });
	});

	test("can be made read-only and never writable, over any number of steps", async () => {
		await attach("a1", { "/data": volumeAt("data") });
		const read = await attach("b1", {}, mountsOf(["a1", true]));
		const again = await attach("c1", {}, mountsOf(["b1"]));
		for (const { mounts } of [read, again]) {
			expect(mounts).toMatchObject([{ readOnly: true, options: ["rbind", "ro", "rro", "rprivate"] }]);
		}
	});

	test("of a container that is not attached are refused", async () => {
		await expect(attach("c1", {}, mountsOf(["none"]))).rejects.toMatchObject({ reason: "ATTACHMENT_NOT_FOUND" });
	});

	test("are not filled from the image", async () => {
		await create("data");
		await attach("a1", { "/app": volumeAt("data", { copy: false }) });
		disk.images.set("/image/app", ["conf"]);
		await attach("c1", {}, { ...mountsOf(["a1"]), imageRoot: "/image" });
		expect([...disk.content("data")]).toEqual([]);
	});
});

describe("volumes that have to be mounted", () => {
	const activate = (containerId: string) => attachments.activate(party(containerId), nothing, signal);
	const deactivate = (containerId: string) => attachments.deactivate(party(containerId), nothing);

	test("are mounted while somebody uses them, once", async () => {
		await create("data", { options: mounted });
		expect([...local.mounted]).toEqual([]);
		await attach("c1", { "/x": volumeAt("data") });
		await attach("c2", { "/x": volumeAt("data") });
		await detach("c1");
		expect([...local.mounted]).toEqual(["data"]);
		await detach("c2");
		expect([...local.mounted]).toEqual([]);
	});

	test("are mounted for a container's run when that is asked for", async () => {
		const { active } = await attach("c1", { "/x": volumeAt("data", { options: mounted }) }, { activateLater: true });
		expect([active, [...local.mounted]]).toEqual([false, []]);
		expect(await activate("c1")).toMatchObject({ active: true });
		expect(await activate("c1")).toMatchObject({ active: true });
		expect([...local.mounted]).toEqual(["data"]);
		expect([await deactivate("c1"), await deactivate("c1"), [...local.mounted]]).toEqual([true, false, []]);
		await expect(remove("data")).rejects.toMatchObject({ reason: "VOLUME_IN_USE" });
		await expect(activate("none")).rejects.toMatchObject({ reason: "ATTACHMENT_NOT_FOUND" });
	});

	test("that cannot be mounted leave everything as it was", async () => {
		local.failures.set("mount", new Error("no such server"));
		await expect(attach("c1", { "/x": volumeAt("data", { options: mounted }) })).rejects.toThrow("no such server");
		expect([names(), await onDisk(), store.all("SELECT * FROM attachment")]).toEqual([[], [], []]);
		await attach("c1", { "/x": volumeAt("data", { options: mounted }) }, { activateLater: true });
		local.failures.set("mount", new Error("no such server"));
		await expect(activate("c1")).rejects.toThrow("no such server");
		expect([[...local.mounted], store.get("SELECT active FROM attachment")]).toEqual([[], { active: 0 }]);
	});

	test("parts of volumes and mapped owners get places of their own", async () => {
		const { id, mounts } = await attach("c1", { "/x": volumeAt("data", { subpath: "in" }) }, { activateLater: true });
		expect([mounts[0]?.source, [...views.made.keys()]]).toEqual([`/run/mounts/${id}/0`, []]);
		await activate("c1");
		expect([...views.made]).toMatchObject([[`${id}/0`, { origin: "/volumes/data/_data", subpath: "in" }]]);
		await deactivate("c1");
		expect([...views.made]).toEqual([]);
		views.failure = new Error("no such part");
		await expect(activate("c1")).rejects.toThrow("no such part");
		expect(store.get("SELECT active FROM attachment")).toEqual({ active: 0 });
	});

	test("a restart finds mounted what the store says, whatever there was", async () => {
		await create("unused", { options: mounted });
		await attach("c1", { "/x": volumeAt("data", { options: mounted, subpath: "in" }) });
		const made = [...views.made];
		local.mounted.clear();
		local.mounted.add("unused");
		views.made.clear();
		for (const [, view] of made) views.made.set("stray/0", { ...view, origin: "/elsewhere" });
		await mended();
		expect([[...local.mounted], [...views.made]]).toEqual([["data"], made]);
	});

	test("what nobody was answered about is taken back", async () => {
		await attach("c1", { "/x": volumeAt("data", { options: mounted }) });
		await store.write([
			{ sql: "UPDATE attachment SET pending = 1", params: [] },
			{ sql: "UPDATE volume SET state = 'CREATING'", params: [] },
		]);
		await mended();
		expect([[...local.mounted], await onDisk(), store.all("SELECT name FROM volume")]).toEqual([[], [], []]);
	});
});

describe("publications", () => {
	const publish = (
		path: string,
		volume: string,
		more: { readonly subpath?: string; readonly readOnly?: boolean } = {},
	) =>
		publications.publish(
			{ holder: "test", volume: parseVolumeName(volume), path, subpath: "", readOnly: false, ...more },
			nothing,
			signal,
		);
	const unpublish = (path: string) => publications.unpublish(path, nothing);

	test("show a volume at a path, mounted for it, and hold it", async () => {
		await create("data", { options: mounted });
		await publish("/srv/data", "data");
		expect(await publish("/srv/data", "data")).toMatchObject({ path: "/srv/data", volume: "data" });
		expect([[...local.mounted], [...views.published.keys()], volumes.get(parseVolumeName("data")).publishedAt]).toEqual(
			[["data"], ["/srv/data"], ["/srv/data"]],
		);
		await expect(remove("data")).rejects.toMatchObject({
			reason: "VOLUME_IN_USE",
			message: "The volume data is in use by the path /srv/data.",
		});
		await expect(publish("/srv/data", "data", { readOnly: true })).rejects.toMatchObject({
			reason: "ALREADY_PUBLISHED",
		});
		await expect(publish("/srv/x", "none")).rejects.toMatchObject({ reason: "VOLUME_NOT_FOUND" });
		expect([await unpublish("/srv/data"), await unpublish("/srv/data")]).toEqual([true, false]);
		expect([[...local.mounted], [...views.published]]).toEqual([[], []]);
		await remove("data");
	});

	test("that fail leave nothing", async () => {
		await create("data", { options: mounted });
		views.failure = new Error("no such path");
		await expect(publish("/srv/data", "data")).rejects.toThrow("no such path");
		expect([[...local.mounted], store.all("SELECT * FROM publication")]).toEqual([[], []]);
	});

	test("are there again after a reboot, and gone when they were going", async () => {
		await create("data", { options: mounted });
		await publish("/srv/one", "data");
		await publish("/srv/two", "data");
		local.mounted.clear();
		views.published.clear();
		views.published.set("/srv/two", undefined as never);
		await store.write([{ sql: "UPDATE publication SET state = 'DELETING' WHERE path = '/srv/two'", params: [] }]);
		await mended();
		expect([[...local.mounted], [...views.published.keys()], publications.list("", "", 10).length]).toEqual([
			["data"],
			["/srv/one"],
			1,
		]);
	});
});

describe("mounts in running processes", () => {
	const mountInto = (destination: string, source: MountSource, pid = 7) =>
		liveMounts.mountInto(
			{ ...party("c1"), containerName: "web", pid, mount: { ...plain, destination, source } },
			nothing,
			signal,
		);

	test("hold their volume until they are taken out, or their process has ended", async () => {
		views.processes.set(7, "100");
		await mountInto("/x", volumeAt("data", { options: mounted }));
		expect([[...views.inside.keys()], [...local.mounted]]).toEqual([["7:/x"], ["data"]]);
		expect(volumes.get(parseVolumeName("data")).containerIds).toEqual(["c1"]);
		await expect(mountInto("/x", volumeAt("other"))).rejects.toMatchObject({ reason: "ALREADY_MOUNTED" });
		await expect(remove("data")).rejects.toMatchObject({ message: "The volume data is in use by web (c1)." });
		expect(await liveMounts.unmountFrom(party("c1"), "/x", nothing)).toBe(true);
		expect([await liveMounts.unmountFrom(party("c1"), "/x", nothing), [...views.inside], [...local.mounted]]).toEqual([
			false,
			[],
			[],
		]);
		await mountInto("/x", volumeAt("data"));
		views.processes.set(7, "200");
		await remove("data");
		expect([...local.mounted]).toEqual([]);
	});

	test("and attachments of one container wait for each other and come to their end", async () => {
		views.processes.set(7, "100");
		await attach("c1", { "/a": volumeAt("first") });
		const all = Promise.allSettled([
			detach("c1"),
			attach("c1", { "/b": volumeAt("data") }),
			mountInto("/x", volumeAt("data")),
			attach("c2", { "/b": volumeAt("data") }),
			remove("data"),
			detach("c1"),
		]);
		expect(await Promise.race([all, sleep(5_000)])).toBeDefined();
	});

	test("end with the container's own", async () => {
		views.processes.set(7, "100");
		await attach("c1", { "/y": volumeAt("own") }, { activateLater: true });
		await mountInto("/x", volumeAt("data"));
		await attachments.deactivate(party("c1"), nothing);
		expect([[...views.inside], volumes.get(parseVolumeName("data")).containerIds]).toEqual([[], []]);
	});

	test("of no process, or that fail, leave nothing", async () => {
		await expect(mountInto("/x", volumeAt("data"))).rejects.toMatchObject({ reason: "PROCESS_NOT_FOUND" });
		views.processes.set(7, "100");
		views.failure = new Error("no such place");
		await expect(mountInto("/x", volumeAt("data", { options: mounted }))).rejects.toThrow("no such place");
		expect([names(), await onDisk(), [...local.mounted], store.all("SELECT * FROM live_mount")]).toEqual([
			[],
			[],
			[],
			[],
		]);
	});
});

describe("reconcile", () => {
	test("brings to an end what a crash left, and deletes nothing that nobody accounted for", async () => {
		await create("kept");
		const insert = (name: string, state: string, synced = 1) => ({
			sql: "INSERT INTO volume (name, driver, options, labels, anonymous, state, pristine, created_at, synced) VALUES (?, 'local', '{}', '{}', 0, ?, 1, 0, ?)",
			params: [name, state, synced],
		});
		await store.write([
			insert("creating", "CREATING"),
			insert("deleting", "DELETING"),
			insert("hollow", "ACTIVE"),
			insert("untouched", "ACTIVE", 0),
		]);
		for (const name of ["creating", "deleting", "found", "bare"]) await disk.ensure(name);
		disk.content("found").add("precious");
		await disk.stage("kept", "left");
		await disk.stage("stray", "x");
		await mended();
		expect(names()).toEqual(["found", "hollow", "kept", "untouched"]);
		expect((await onDisk()).toSorted()).toEqual(["found", "kept", "untouched"]);
		expect([...disk.content("found")]).toEqual(["precious"]);
		expect(disk.setAsideNames).toEqual(["stray"]);
		expect(await disk.identity("kept", "left")).toBeUndefined();
		await expect(attach("c1", { "/x": volumeAt("hollow") })).rejects.toMatchObject({ reason: "VOLUME_DATA_MISSING" });
	});

	test("a removal that was answered is over, and one that was not has never been", async () => {
		for (const name of ["gone", "back"]) {
			await create(name);
			disk.content(name).add("kept");
			await attach(name, { "/x": volumeAt(name) });
			await detach(name);
		}
		// A power cut took the move of the first, and the intent of the second.
		await store.write([{ sql: "UPDATE volume SET state = 'DELETING', gone = 1 WHERE name = 'gone'", params: [] }]);
		await disk.remove("back");
		await mended();
		expect([names(), await onDisk(), [...disk.content("back")]]).toEqual([["back"], ["back"], ["kept"]]);
	});

	test("another name is finished when the content had moved, and dropped when not", async () => {
		await create("moved");
		await create("stayed");
		await store.write([{ sql: "UPDATE volume SET new_name = name || '-new'", params: [] }]);
		await disk.rename("moved", "moved-new");
		await mended();
		expect([names(), (await onDisk()).toSorted()]).toEqual([
			["moved-new", "stayed"],
			["moved-new", "stayed"],
		]);
	});
});

function volumeFault(): Fault {
	return new Fault({ code: "INTERNAL", reason: "KERNEL_REFUSED", domain: "volumed", message: "The disk is broken." });
}

describe("mounts are mended", () => {
	const isMounted = (name: string) => () => local.mounted.has(name);

	test("although a server does not answer", async () => {
		for (const name of ["far", "near"]) await attach(`of-${name}`, { "/x": volumeAt(name, { options: mounted }) });
		local.mounted.clear();
		const { promise: never } = Promise.withResolvers<string>();
		const mount = local.mount.bind(local);
		local.mount = (volume) => (volume.name === "far" ? never : mount(volume));
		const failures = mended();
		await expect.poll(isMounted("near")).toBe(true);
		expect(await Promise.race([failures, Promise.resolve("waiting")])).toBe("waiting");
	});

	test("and the view of an attachment that becomes active meanwhile stays", async () => {
		const prepared = views.prepared.bind(views);
		views.prepared = async () => {
			await attach("c1", { "/x": volumeAt("data", { subpath: "in" }) });
			views.made.set("stray/0", { origin: "/elsewhere" } as never);
			return prepared();
		};
		await mended();
		expect([...views.made.keys()]).toEqual([expect.stringMatching(/^[0-9a-f]{64}\/0$/)]);
	});

	test("and a removal whose driver is away keeps nothing else; it is ended when somebody asks again", async () => {
		for (const name of ["away", "near"]) await create(name);
		await store.write([{ sql: "UPDATE volume SET state = 'DELETING'", params: [] }]);
		local.failures.set("remove", new Error("nobody answers"));
		await mended();
		expect([await onDisk(), store.all("SELECT name, state FROM volume")]).toEqual([
			["away"],
			[{ name: "away", state: "DELETING" }],
		]);
		await remove("away");
		expect(await onDisk()).toEqual([]);
	});

	test("and an attachment that nobody was answered about is undone, though its volume cannot be unmounted yet", async () => {
		await create("data", { options: mounted });
		await attach("c1", { "/x": volumeAt("data") });
		await store.write([{ sql: "UPDATE attachment SET pending = 1", params: [] }]);
		local.failures.set("unmount", new Error("nobody answers"));
		await reconcile(parts, { volumes, liveMounts });
		expect([[...local.mounted], store.all("SELECT id FROM attachment")]).toEqual([["data"], []]);
		await mended();
		expect([...local.mounted]).toEqual([]);
	});
});
