/** Several volumes in one run: of one time where containers write to them, each by itself where one of them fails. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AttachRequest, BackupVolumesRequest, CreateVolumeRequest } from "#gen/wharf/volume/v1/volume.ts";
import { ScratchCgroup } from "#lib/linux/test-support/scratch-cgroup.ts";
import { backupAll, Daemon, restore } from "./test-support/daemon.ts";

const FILES = 1_000;

/** Writes a number to the first volume, and then the same to the last one. */
const WRITER = 'cd "$0"; i=0; while :; do i=$((i + 1)); echo $i >"$1/_data/number"; echo $i >"$2/_data/number"; done';

let daemon: Daemon;
const at = (name: string): string => join(daemon.root, name);

async function volume(name: string, files = 1): Promise<void> {
	await daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name }));
	for (let index = 0; index < files; index++) writeFileSync(join(daemon.content(name), `file${index}`), `${index}`);
}

function attach(containerId: string, names: readonly string[], cgroup: string) {
	const mounts = names.map((name) => {
		return { destination: `/${name}`, source: { $case: "volume" as const, value: { name } } };
	});
	const container = { holder: "test", containerId, containerName: containerId };
	return daemon.attachments.attach(AttachRequest.fromPartial({ ...container, mounts, cgroup }));
}

function directory(name: string): string {
	mkdirSync(at(name));
	return at(name);
}

beforeAll(async () => {
	daemon = new Daemon();
	await daemon.start();
	for (const name of ["one", "two", "three"]) await volume(name);
});
afterAll(() => daemon[Symbol.asyncDispose]());

/** The volumes whose archives were told, and those that failed with why. */
function outcomes(told: Awaited<ReturnType<typeof backupAll>>): string[] {
	return told.flatMap((part) => {
		if (part.$case === "done") return [part.value.volume];
		return part.$case === "failed" ? [`${part.value.volume}: ${part.value.reason}`] : [];
	});
}

test("each gets an archive of its own, of one date, and older ones go by the rules of each", async () => {
	const folder = directory("dated");
	for (const name of ["one", "two"])
		for (const day of ["01", "02"]) writeFileSync(join(folder, `${name}-202601${day}T120000Z.tar`), "old");
	const retention = { last: 2, hourly: 0, daily: 0, weekly: 0, monthly: 0 };
	const told = await backupAll(daemon, { volumes: ["one", "two", "one"], directory: folder, retention });
	expect(told.at(-1)).toEqual({ $case: "result", value: { done: 2, failed: 0, moments: [] } });
	const names = readdirSync(folder).toSorted();
	expect(names).toHaveLength(4);
	const made = names.filter((name) => !name.includes("-2026010")).map((name) => name.split("-"));
	expect(made.map(([name]) => name)).toEqual(["one", "two"]);
	expect(new Set(made.map(([, date]) => date)).size).toBe(1);
	const copy = { volume: "copy", path: join(folder, names.findLast((name) => name.startsWith("two-")) ?? "") };
	expect(await restore(daemon, { ...copy, create: true })).toMatchObject({ verified: true });
	expect(readdirSync(daemon.content("copy"))).toEqual(["file0"]);
});

test("one that cannot be archived keeps no other one from it; it is told, and nothing of it is left", async () => {
	const folder = directory("partly");
	await volume("broken");
	rmSync(join(daemon.content("broken"), ".."), { recursive: true });
	const told = await backupAll(daemon, { volumes: ["one", "broken", "two"], directory: folder });
	expect(outcomes(told)).toEqual(["one", "broken: VOLUME_DATA_MISSING", "two"]);
	expect(told.at(-1)).toMatchObject({ value: { done: 2, failed: 1 } });
	expect(readdirSync(folder).map((name) => name.split("-")[0])).toEqual(["one", "two"]);
});

test.each([
	[{ volumes: ["one", "nosuch"] }, "VOLUME_NOT_FOUND"],
	[{ volumes: [] }, "INVALID_OPTION"],
	[{ volumes: ["one"], directory: "/nonexistent" }, "INVALID_PATH"],
	[{ volumes: ["one"], include: ["[a"] }, "INVALID_PATTERN"],
	[{ volumes: ["one", ".."] }, "INVALID_NAME"],
])("of %o nothing is begun: %s", async (request, reason) => {
	const before = readdirSync(at("dated"));
	await expect(backupAll(daemon, { directory: at("dated"), ...request })).rejects.toMatchObject({ reason });
	expect(readdirSync(at("dated"))).toEqual(before);
});

describe("volumes that containers write to", () => {
	let group: ScratchCgroup;
	beforeAll(async () => {
		await volume("database", FILES);
		await volume("uploads", FILES);
		group = new ScratchCgroup("backup-runs");
		group.spawn("sh", "-c", WRITER, at("volumes"), "database", "uploads");
		await attach("app", ["database", "uploads"], group.path);
	});
	afterAll(() => group[Symbol.asyncDispose]());

	const numberOf = (name: string): string => readFileSync(join(daemon.content(name), "number"), "utf8").trim();

	test.each([1, 2, 3])("are archived as they were at one time (%i)", async (round) => {
		const folder = directory(`live${round}`);
		const told = await backupAll(daemon, { volumes: ["uploads", "one", "database"], directory: folder });
		expect(outcomes(told).toSorted()).toEqual(["database", "one", "uploads"]);
		const end = told.at(-1);
		expect(end).toMatchObject({ value: { moments: [{ volumes: ["uploads", "database"], paused: ["app"] }] } });
		expect(group.frozenIn()).toEqual([]);
		for (const part of told) {
			if (part.$case !== "done") continue;
			const { volume, path, warnings } = part.value;
			expect(warnings).toEqual([]);
			await restore(daemon, { volume: `${volume}${round}`, path, create: true });
		}
		const [first, last] = [numberOf(`database${round}`), numberOf(`uploads${round}`)];
		// A file that is about to be written is empty.
		const agree = first === "" || last === "" || Number(first) === Number(last) || Number(first) === Number(last) + 1;
		expect([first, last, agree]).toEqual([first, last, true]);
	});

	test("more than four are of one time by fours", async () => {
		const names = Array.from({ length: 10 }, (_, index) => `many${index}`);
		for (const name of names) await volume(name);
		await attach("many", names, group.path);
		const told = await backupAll(daemon, { volumes: names, directory: directory("many") });
		const end = told.at(-1);
		const moments = end?.$case === "result" ? end.value.moments : [];
		expect(moments.map((moment) => moment.volumes)).toEqual([names.slice(0, 4), names.slice(4, 8), names.slice(8)]);
		expect(outcomes(told)).toHaveLength(10);
	});
});

describe("the same request", () => {
	test("joins the running one, and gets its answer afterwards", async () => {
		const request = { requestId: "joined", volumes: ["one", "two"], directory: directory("joined") };
		const [first, second] = await Promise.all([backupAll(daemon, request), backupAll(daemon, request)]);
		expect(second).toEqual(first);
		expect(await backupAll(daemon, request)).toEqual(first);
		expect(readdirSync(at("joined"))).toHaveLength(2);
		await expect(backupAll(daemon, { ...request, volumes: ["one"] })).rejects.toMatchObject({
			reason: "REQUEST_ID_REUSED",
		});
	});

	test("that is given up leaves nothing but archives that were told", async () => {
		await volume("long", FILES);
		writeFileSync(join(daemon.content("long"), "much"), Buffer.alloc(64 * 1024 * 1024, 7));
		const folder = directory("given-up");
		const call = daemon.backups.backupVolumes(
			BackupVolumesRequest.fromPartial({
				volumes: ["one", "long", "two"],
				directory: folder,
				compression: "COMPRESSION_ZSTD",
				level: 19,
			}),
		);
		for await (const { part } of call) if (part?.$case === "done") break;
		await expect.poll(() => readdirSync(folder).map((name) => name.split("-")[0])).toEqual(["one"]);
		await expect.poll(() => daemon.volumes.deleteVolume({ requestId: "", name: "long" })).toBeDefined();
	});

	test("goes on after a kill: what was made is not made again", async () => {
		const request = { requestId: "killed", volumes: ["one", "two"], directory: directory("killed") };
		await daemon.kill();
		await daemon.start("store.volumed.backup.run");
		await expect(backupAll(daemon, request)).rejects.toMatchObject({ code: "UNAVAILABLE" });
		await daemon.ended();
		const made = readdirSync(at("killed"));
		expect(made).toHaveLength(2);
		await daemon.start();
		expect(outcomes(await backupAll(daemon, request))).toEqual(["one", "two"]);
		expect(readdirSync(at("killed"))).toEqual(made);
		expect(existsSync(join(daemon.content("one"), "file0"))).toBe(true);
	});
});
