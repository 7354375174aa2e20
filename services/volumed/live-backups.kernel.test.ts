/** Backups of volumes that containers write to all the time: what is in the archive was there at one time. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CloneVolumeRequest, CreateVolumeRequest } from "#gen/wharf/volume/v1/volume.ts";
import type { ScratchCgroup } from "#lib/linux/test-support/scratch-cgroup.ts";
import { backup, Daemon, restore } from "./test-support/daemon.ts";
import { FILES, numberIn, problemsIn, writeAllTheTime } from "./test-support/live-writer.ts";

let daemon: Daemon;
let group: ScratchCgroup;
let content: string;

beforeAll(async () => {
	daemon = new Daemon();
	await daemon.start();
	await daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: "live" }));
	content = daemon.content("live");
	group = await writeAllTheTime(daemon, "live");
});
afterAll(async () => {
	await group[Symbol.asyncDispose]();
	await daemon[Symbol.asyncDispose]();
});

describe("with a pause", () => {
	test.each([1, 2, 3, 4, 5])(
		"the archive is the volume at one time, and nobody stands still afterwards (%i)",
		async (round) => {
			const path = join(daemon.root, `live${round}.tar`);
			const { result } = await backup(daemon, { volume: "live", path });
			expect(result).toMatchObject({ paused: ["web"], warnings: [] });
			expect(result?.pausedMs).toBeGreaterThan(0);
			expect(group.frozenIn()).toEqual([]);
			const before = numberIn(content, "a/first");
			await expect.poll(() => numberIn(content, "a/first")).toBeGreaterThan(before);
			const restored = await restore(daemon, { volume: `copy${round}`, path, create: true });
			expect(restored).toMatchObject({ verified: true, warnings: [] });
			expect(problemsIn(daemon.content(`copy${round}`))).toEqual([]);
		},
	);

	test("GNU tar extracts it, with the newer ones over the older ones", () => {
		const folder = join(daemon.root, "gnu");
		mkdirSync(folder);
		execFileSync("tar", ["-xf", join(daemon.root, "live1.tar"), "-C", folder]);
		expect(numberIn(folder, "a/first")).toBe(numberIn(daemon.content("copy1"), "a/first"));
		expect(readdirSync(join(folder, "big"))).toHaveLength(FILES);
	});
});

test.each([1, 2, 3])(
	"a clone is the volume at one time, with what has changed since the first look (%i)",
	async (round) => {
		const target = `clone${round}`;
		const request = CloneVolumeRequest.fromPartial({ volume: "live", target });
		const { part } = (await Array.fromAsync(daemon.backups.cloneVolume(request))).at(-1) ?? {};
		expect(part?.value).toMatchObject({ paused: ["web"], warnings: [], verified: false, manifestSha256: "" });
		expect([problemsIn(daemon.content(target)), group.frozenIn()]).toEqual([[], []]);
	},
);

/** Stores a number to a file in its memory and then writes it to another one: at any one time the first is that of the second, or one more. */
const MAPPER = `
import itertools, mmap, os, sys
mapped = open(sys.argv[1], "w+b")
mapped.truncate(4096)
memory = mmap.mmap(mapped.fileno(), 0)
count = open(sys.argv[2], "wb", buffering=0)
os.setresuid(1000, 1000, 1000)
for number in itertools.count(1):
    memory[0:8] = number.to_bytes(8, "little")
    os.pwrite(count.fileno(), number.to_bytes(8, "little"), 0)
`;

test("what a program stores to a file that it has mapped is there, though no time of the file changes by it", async () => {
	const names = ["a/mapped", "z/count"].map((name) => join(content, name));
	group.spawn("python3", "-c", MAPPER, ...names);
	await expect
		.poll(() => existsSync(join(content, "z/count")) && readFileSync(join(content, "z/count")).length)
		.toBe(8);
	const path = join(daemon.root, "mapped.tar");
	await backup(daemon, { volume: "live", path });
	await restore(daemon, { volume: "mapped", path, create: true });
	const [mapped = 0n, count = 0n] = ["a/mapped", "z/count"].map((name) =>
		readFileSync(join(daemon.content("mapped"), name)).readBigUInt64LE(),
	);
	expect([0n, 1n]).toContain(mapped - count);
});

test("without a pause nobody is paused, and what was changing is told or was not read at once", async () => {
	const { result } = await backup(daemon, { volume: "live", path: join(daemon.root, "unpaused.tar"), noPause: true });
	expect(result).toMatchObject({ paused: [], pausedMs: 0 });
	expect(result?.warnings.every((warning) => warning.endsWith("it changed while it was read"))).toBe(true);
});
