/** Backups of volumes that containers write to all the time: what is in the archive was there at one time. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AttachRequest, CreateVolumeRequest } from "#gen/wharf/volume/v1/volume.ts";
import { ScratchCgroup } from "#lib/linux/test-support/scratch-cgroup.ts";
import { backup, Daemon, restore } from "./test-support/daemon.ts";

const FILES = 3_000;

/**
 * Writes the same number to the first and the last file there is, moves a directory back and forth, and makes and removes files. At any
 * one time the last number is that of the first, or one less.
 */
const WRITER = `
cd "$1"; i=0
while :; do
	i=$((i + 1))
	echo $i >a/first; echo $i >z/last
	ln -f a/first z/second-name
	echo $i >m/made$i; rm -f m/made$((i - 3))
	if [ -d there ]; then mv there back; else mv back there; fi
done`;

let daemon: Daemon;
let group: ScratchCgroup;
let content: string;

beforeAll(async () => {
	daemon = new Daemon();
	await daemon.start();
	await daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: "live" }));
	content = daemon.content("live");
	for (const name of ["a", "m", "z", "there/deep", "big"]) mkdirSync(join(content, name), { recursive: true });
	for (let index = 0; index < FILES; index++) writeFileSync(join(content, `big/${index}`), `${index}`);
	writeFileSync(join(content, "there/deep/file"), "moved");
	group = new ScratchCgroup("live-backups");
	group.spawn("sh", "-c", WRITER, "sh", content);
	const mounts = [{ destination: "/x", source: { $case: "volume" as const, value: { name: "live" } } }];
	const container = { holder: "test", containerId: "c1", containerName: "web" };
	await daemon.attachments.attach(AttachRequest.fromPartial({ ...container, mounts, cgroup: group.path }));
});
afterAll(async () => {
	await group[Symbol.asyncDispose]();
	await daemon[Symbol.asyncDispose]();
});

const textIn = (folder: string, name: string): string => readFileSync(join(folder, name), "utf8").trim();
const numberIn = (folder: string, name: string): number => Number(textIn(folder, name));

/** What is the matter with a tree that the writer has left at one time. */
function problemsIn(folder: string): string[] {
	const [first, last] = [numberIn(folder, "a/first"), numberIn(folder, "z/last")];
	// A file that is about to be written is empty.
	const agree = first - last === 0 || first - last === 1 || textIn(folder, "z/last") === "" || first === 0;
	const made = readdirSync(join(folder, "m")).map((name) => Number(name.slice("made".length)));
	const moved = ["there", "back"].filter((name) => readdirSync(folder).includes(name));
	return [
		...(agree ? [] : [`${first} and then ${last}`]),
		...(first === 0 || made.every((number) => number <= first && number >= first - 4)
			? []
			: [`${made.join(" ")} at ${first}`]),
		...(moved.length === 1 ? [] : [`${moved.length} of a directory that is moved`]),
		...(readdirSync(join(folder, "big")).length === FILES ? [] : ["files are missing that nobody touched"]),
	];
}

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

test("without a pause nobody is paused, and what was changing is told or was not read at once", async () => {
	const { result } = await backup(daemon, { volume: "live", path: join(daemon.root, "unpaused.tar"), noPause: true });
	expect(result).toMatchObject({ paused: [], pausedMs: 0 });
	expect(result?.warnings.every((warning) => warning.endsWith("it changed while it was read"))).toBe(true);
});
