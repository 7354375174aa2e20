import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
	AttachRequest,
	CreateVolumeRequest,
	DeleteVolumeRequest,
	ListVolumesRequest,
} from "#gen/wharf/volume/v1/volume.ts";
import { Fault } from "#lib/fault/fault.ts";
import { archiveKills } from "./test-support/archive-kills.ts";
import { backup, Daemon, restore } from "./test-support/daemon.ts";
import { seededChoices } from "./test-support/seeded-choices.ts";

let daemon: Daemon;
const out = (name: string): string => join(daemon.root, "out", name);

beforeEach(async () => {
	daemon = new Daemon();
	mkdirSync(join(daemon.root, "out"));
	await daemon.start();
	await daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: "data" }));
	for (let index = 0; index < 200; index++)
		writeFileSync(join(daemon.content("data"), `file${index}`), "x".repeat(100_000));
	await backup(daemon, { volume: "data", path: out("good") });
	await daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: "target" }));
	writeFileSync(join(daemon.content("target"), "old"), "old");
});
afterEach(() => daemon[Symbol.asyncDispose]());

/** Each volume that volumed lists has its directory with its content, and nothing else lies about. */
async function consistent(): Promise<string[]> {
	const { volumes } = await daemon.volumes.listVolumes(ListVolumesRequest.fromPartial({}));
	const names = volumes.map(({ name }) => name);
	const root = join(daemon.root, "volumes");
	await expect.poll(() => readdirSync(join(root, ".trash"))).toEqual([]);
	expect(readdirSync(join(root, ".lost+found"))).toEqual([]);
	expect(readdirSync(root).filter((name) => !name.startsWith("."))).toEqual(names);
	for (const name of names) expect(readdirSync(join(root, name))).toEqual(["_data"]);
	return names;
}

/** `old` or the whole new content, never anything between. */
function targetContent(): "old" | "new" {
	const folder = daemon.content("target");
	const sizes = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
	expect([[3], Array.from({ length: 200 }, () => 100_000)]).toContainEqual(sizes);
	return sizes.length === 1 ? "old" : "new";
}

async function restartedAt(point: string, act: () => Promise<unknown>): Promise<void> {
	await daemon.kill("SIGTERM");
	await daemon.start(point);
	await expect(act()).rejects.toBeInstanceOf(Fault);
	expect(await daemon.ended()).toMatchObject({ signal: "SIGKILL" });
	await daemon.start();
}

test("backups and restores whose volumed, compressor or caller ends at a moment of no choice lose nothing and leave nothing", async () => {
	const seed = Date.now() % 1_000_000;
	const problems: string[] = [];
	const report = (problem: string): void => void problems.push(problem);
	const counts = await archiveKills({ rounds: 20, random: seededChoices(seed), report });
	expect({ seed, counts, problems }).toEqual({ seed, counts, problems: [] });
}, 300_000);

describe("killed at each named point", () => {
	test.each([
		["store.volumed.backup.began", false],
		["volumed.archive.open", false],
		["store.volumed.backup.sealed", false],
		["volumed.archive.rename", true],
		["store.volumed.backup.done", true],
	])("backup: %s; the file is there: %s", async (point, isThere) => {
		const request = { requestId: "again", volume: "data", path: out("file") };
		await restartedAt(point, () => backup(daemon, request));
		expect(readdirSync(out(""))).toEqual(isThere ? ["file", "good"] : ["good"]);
		// The same request again: the result of what is there, or the backup anew.
		expect((await backup(daemon, request)).result).toMatchObject({ verified: true, entries: 201n });
		expect(readdirSync(out(""))).toEqual(["file", "good"]);
	});

	test.each([
		["store.volumed.restore.began", "old"],
		["volumed.disk.stage", "old"],
		["store.volumed.restore.sealed", "old"],
		["volumed.disk.exchange", "new"],
		["volumed.disk.discard", "new"],
		["store.volumed.restore.done", "new"],
	])("restore: %s; the content is the %s one", async (point, content) => {
		const spec = { requestId: "again", volume: "target", path: out("good"), replace: true };
		await restartedAt(point, () => restore(daemon, spec));
		expect(targetContent()).toBe(content);
		await consistent();
		expect(await restore(daemon, spec)).toMatchObject({ verified: true, entries: 201n });
		expect(targetContent()).toBe("new");
	});

	test.each([
		["store.volumed.restore.began", ["data", "target"]],
		["store.volumed.restore.sealed", ["data", "target"]],
		["volumed.disk.exchange", ["data", "made", "target"]],
	])("restore into a new volume: %s", async (point, names) => {
		await restartedAt(point, () => restore(daemon, { volume: "made", path: out("good"), create: true }));
		expect(await consistent()).toEqual(names);
	});

	test.each([
		["store.volumed.volume.creating", false],
		["volumed.disk.ensure", false],
		["store.volumed.volume.active", true],
	])("create: %s; the volume is there: %s", async (point, isThere) => {
		await restartedAt(point, () =>
			daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: "made" }), { timeoutMs: 5_000 }),
		);
		expect((await consistent()).includes("made")).toBe(isThere);
	});

	test.each(["store.volumed.volume.deleting", "volumed.disk.remove", "store.volumed.volume.deleted"])(
		"delete: %s; the volume is gone",
		async (point) => {
			await restartedAt(point, () =>
				daemon.volumes.deleteVolume(DeleteVolumeRequest.fromPartial({ name: "target" }), { timeoutMs: 5_000 }),
			);
			expect(await consistent()).toEqual(["data"]);
		},
	);

	test.each([
		["store.volumed.attachment.creating", false],
		["volumed.disk.fill", false],
		["volumed.disk.exchange", false],
		["store.volumed.attachment.created", true],
	])("attach: %s; the container is attached: %s", async (point, isAttached) => {
		const image = join(daemon.root, "image");
		mkdirSync(join(image, "etc/app"), { recursive: true });
		writeFileSync(join(image, "etc/app/conf"), "1");
		const request = AttachRequest.fromPartial({
			holder: "test",
			containerId: "c1",
			imageRoot: image,
			mounts: [{ destination: "/etc/app", source: { $case: "volume", value: { name: "conf" } } }],
		});
		await restartedAt(point, () => daemon.attachments.attach(request, { timeoutMs: 5_000 }));
		expect((await consistent()).includes("conf")).toBe(isAttached);
		await daemon.attachments.attach(request);
		expect(readFileSync(join(daemon.content("conf"), "conf"), "utf8")).toBe("1");
	});
});

/** The names of volumes whose directory a power cut may still take: one that is missing then is made again. */
function unsynced(): unknown[] {
	using store = new DatabaseSync(join(daemon.root, "state/volumed.db"), { readOnly: true });
	return store.prepare("SELECT name FROM volume WHERE synced = 0").all();
}

test("content that nobody has a record of is kept, and a record without content is said", async () => {
	await expect.poll(unsynced).toEqual([]);
	await daemon.kill("SIGTERM");
	const root = join(daemon.root, "volumes");
	mkdirSync(join(root, "found/_data"), { recursive: true });
	writeFileSync(join(root, "found/_data/precious"), "1");
	mkdirSync(join(root, "stray"));
	writeFileSync(join(root, "stray/precious"), "2");
	writeFileSync(join(root, "-odd"), "3");
	const away = join(dirname(root), "away");
	renameSync(join(root, "target/_data"), away);
	await daemon.start();
	const { volumes } = await daemon.volumes.listVolumes(ListVolumesRequest.fromPartial({}));
	expect(volumes.map(({ name }) => name)).toEqual(["data", "found", "target"]);
	expect(readFileSync(join(daemon.content("found"), "precious"), "utf8")).toBe("1");
	expect(
		readdirSync(join(root, ".lost+found"))
			.map((name) => name.replace(/\.[0-9a-f]{8}$/, ""))
			.sort(),
	).toEqual(["-odd", "stray"]);
	const attach = AttachRequest.fromPartial({
		holder: "test",
		containerId: "c1",
		mounts: [{ destination: "/x", source: { $case: "volume", value: { name: "target" } } }],
	});
	await expect(daemon.attachments.attach(attach)).rejects.toMatchObject({ reason: "VOLUME_DATA_MISSING" });
	await expect(backup(daemon, { volume: "target" })).rejects.toMatchObject({ reason: "VOLUME_DATA_MISSING" });
	await restore(daemon, { volume: "target", path: out("good") });
	expect(targetContent()).toBe("new");
});
