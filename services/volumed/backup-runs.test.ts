import { tmpdir } from "node:os";
import { expect } from "vitest";
import { BackupRuns } from "./backup-runs.ts";
import { Backups } from "./backups.ts";
import { volumeFaults } from "./faults.ts";
import { JobRecords } from "./job-records.ts";
import type { Scene } from "./test-support/scene.ts";
import { test } from "./test-support/scene-test.ts";
import { parseVolumeName } from "./volume.ts";

function runsOf({ parts, pauses }: Scene): BackupRuns {
	const nothing = {} as never; // is packed
	const backups = new Backups(parts, { archiver: nothing, pauses, snapshots: nothing, counts: nothing });
	return new BackupRuns({ parts, backups, pauses });
}

const asked = (...volumes: string[]) => ({
	requestId: "1",
	volumes: volumes.map(parseVolumeName),
	target: { kind: "directory", path: tmpdir(), retention: {} } as const,
	compression: "none" as const,
	level: undefined,
	patterns: { include: [], exclude: [] },
	pause: true,
});

async function away(scene: Scene, name: string) {
	await scene.create(name, { options: new Map([["type", "nfs"]]) });
	scene.local.failures.set("mount", volumeFaults.MOUNT_FAILED({ volume: name, problem: "it is away" }));
}

test("what keeps a volume from being archived is told, and kept for who asks again; nothing is left", async ({
	scene,
}) => {
	await away(scene, "remote");
	const runs = runsOf(scene);
	const first = await Array.fromAsync(runs.backup(asked("remote"), scene.signal));
	const told = first.filter(({ kind }) => kind !== "progress");
	expect(told).toEqual([
		{
			kind: "failed",
			volume: "remote",
			reason: "MOUNT_FAILED",
			message: "The volume remote cannot be mounted: it is away.",
		},
		{ kind: "end", done: 0, failed: 1, moments: [] },
	]);
	scene.local.failures.clear();
	expect(await Array.fromAsync(runs.backup(asked("remote"), scene.signal))).toEqual(told);
	expect(new JobRecords(scene.store).all()).toEqual([]);
	expect(scene.parts.jobs.isBusy("remote")).toBe(false);
});

test("a name that nobody knows, or a directory that is none, keeps all of it from beginning", async ({ scene }) => {
	await away(scene, "remote");
	const runs = runsOf(scene);
	const unknown = runs.backup(asked("remote", "nosuch"), scene.signal);
	await expect(Array.fromAsync(unknown)).rejects.toMatchObject({ reason: "VOLUME_NOT_FOUND" });
	const nowhere = { kind: "directory", path: "/nonexistent", retention: {} } as const;
	const other = runs.backup({ ...asked("remote"), target: nowhere }, scene.signal);
	await expect(Array.fromAsync(other)).rejects.toMatchObject({ reason: "INVALID_PATH" });
	expect(scene.facts.filter((fact) => fact.startsWith("backup"))).toEqual([]);
});

test("the same request with another body is refused, whether the first one runs or has ended", async ({ scene }) => {
	await away(scene, "remote");
	await scene.create("other");
	const runs = runsOf(scene);
	const names = ["remote", "other"] as const;
	const asks = names.map((name) => Array.fromAsync(runs.backup(asked(name), scene.signal)));
	const running = await Promise.allSettled(asks);
	// Both look at the directory first, and either may be done first.
	const refused = names.filter((_, index) => running[index]?.status === "rejected");
	expect(refused).toHaveLength(1);
	const reused = expect.objectContaining({ reason: "REQUEST_ID_REUSED" });
	expect(running).toContainEqual({ status: "rejected", reason: reused });
	const later = Array.fromAsync(runs.backup(asked(...refused), scene.signal));
	await expect(later).rejects.toMatchObject({ reason: "REQUEST_ID_REUSED" });
});
