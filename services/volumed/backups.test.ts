import { expect } from "vitest";
import { Backups } from "./backups.ts";
import { volumeFaults } from "./faults.ts";
import { JobRecords } from "./job-records.ts";
import { test } from "./test-support/scene-test.ts";
import { parseVolumeName } from "./volume.ts";

test("a backup of what cannot be mounted is over, and says so", async ({ scene }) => {
	await scene.create("away", { options: new Map([["type", "nfs"]]) });
	const refused = volumeFaults.MOUNT_FAILED({ volume: "away", problem: "it is away" });
	scene.local.failures.set("mount", refused);
	const archiver = {} as never; // nothing is packed
	const nothing = { archiver, pauses: archiver, snapshots: archiver, counts: archiver };
	const backups = new Backups(scene.parts, nothing);
	const target = { kind: "file", path: "/tmp/wharf-no-such-file", overwrite: false } as const;
	const packed = {
		compression: "none",
		level: undefined,
		patterns: { include: [], exclude: [] },
		pause: true,
	} as const;
	const spec = { volume: parseVolumeName("away"), requestId: "1", target, ...packed };
	const running = backups.backup(spec, scene.signal);
	await expect(Array.fromAsync(running)).rejects.toBe(refused);
	expect(new JobRecords(scene.store).all()).toEqual([]);
	expect(scene.parts.jobs.isBusy("away")).toBe(false);
});
