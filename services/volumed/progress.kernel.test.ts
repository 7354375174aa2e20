/** What is told of a job while it runs: how far it is, and of how much where that is known. */
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
	type BackupVolumesResponse,
	BackupVolumeRequest,
	CreateVolumeRequest,
	type Progress,
} from "#gen/wharf/volume/v1/volume.ts";
import { backup, Daemon } from "./test-support/daemon.ts";

const FILE_BYTES = 40_000_000;

let daemon: Daemon;

beforeAll(async () => {
	daemon = new Daemon();
	await daemon.start();
	await daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: "large" }));
	writeFileSync(join(daemon.content("large"), "file"), Buffer.alloc(FILE_BYTES, 7));
});
afterAll(() => daemon[Symbol.asyncDispose]());

/** Of a backup whose reader takes longer than it would take to count. */
async function progressOf(request: Partial<BackupVolumeRequest>): Promise<Progress | undefined> {
	let progress: Progress | undefined;
	let isSlow = true;
	for await (const { part } of daemon.backups.backupVolume(BackupVolumeRequest.fromPartial(request))) {
		if (part?.$case === "progress") progress = part.value;
		if (part?.$case === "chunk" && isSlow) await sleep(2_500);
		isSlow &&= part?.$case !== "chunk";
	}
	return progress;
}

test("a backup that is to count says of how much", async () => {
	const progress = await progressOf({ volume: "large", count: true });
	expect(progress).toMatchObject({ entries: 2n, totalEntries: 2n, totalStoredBytes: 0n });
	expect(progress?.totalBytes).toBe(progress?.bytes);
	expect(progress?.bytes).toBeGreaterThan(FILE_BYTES);
	expect(progress?.elapsedMs).toBeGreaterThan(2_000);
});

test.each([{}, { count: true, exclude: ["nothing"] }])("with %o nothing is said that nobody knows", async (request) => {
	expect(await progressOf({ volume: "large", ...request })).toMatchObject({ totalEntries: 0n, totalBytes: 0n });
});

test("of several, it says which", async () => {
	await daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: "small" }));
	const directory = join(daemon.root, "several");
	mkdirSync(directory);
	const request = { requestId: "", volumes: ["small", "large"], directory, retention: undefined };
	const rest = {
		compression: "COMPRESSION_NONE" as const,
		level: 0,
		include: [],
		exclude: [],
		noPause: false,
		count: false,
	};
	let last: Extract<BackupVolumesResponse["part"], { $case: "progress" }> | undefined;
	for await (const { part } of daemon.backups.backupVolumes({ ...request, ...rest })) {
		if (part?.$case === "progress") last = part;
	}
	expect(last?.value).toMatchObject({ volume: "large", position: 2, count: 2, progress: { entries: 2n } });
});

test("what is read from a file is told by how much of the file has been read", async () => {
	const path = join(daemon.root, "large.tar.zst");
	await backup(daemon, { volume: "large", path, compression: "COMPRESSION_ZSTD" });
	let last: Progress | undefined;
	const messages = async function* () {
		yield { part: { $case: "spec" as const, value: { requestId: "", path, volume: "", maxExpansion: 0 } } };
	};
	for await (const { part } of daemon.backups.verifyArchive(messages())) {
		if (part?.$case === "progress") last = part.value;
	}
	const size = BigInt(statSync(path).size);
	expect(last).toMatchObject({ entries: 2n, storedBytes: size, totalStoredBytes: size, totalBytes: 0n });
});
