/** A program that changes a volume all the time, so that it shows in what is read of it whether that was there at one time. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AttachRequest } from "#gen/wharf/volume/v1/volume.ts";
import { ScratchCgroup } from "#lib/linux/test-support/scratch-cgroup.ts";
import type { Daemon } from "./daemon.ts";

/** That nobody touches. */
export const FILES = 3_000;

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

function makeWritten(folder: string): void {
	for (const name of ["a", "m", "z", "there/deep", "big"]) mkdirSync(join(folder, name), { recursive: true });
	for (let index = 0; index < FILES; index++) writeFileSync(join(folder, `big/${index}`), `${index}`);
	writeFileSync(join(folder, "there/deep/file"), "moved");
}

/** A container `web` has the volume mounted and writes to it, until its control group ends. */
export async function writeAllTheTime(daemon: Daemon, volume: string): Promise<ScratchCgroup> {
	const content = daemon.content(volume);
	makeWritten(content);
	const group = new ScratchCgroup("writer");
	group.spawn("sh", "-c", WRITER, "sh", content);
	const mounts = [{ destination: "/x", source: { $case: "volume" as const, value: { name: volume } } }];
	const container = { holder: "test", containerId: "c1", containerName: "web" };
	await daemon.attachments.attach(AttachRequest.fromPartial({ ...container, mounts, cgroup: group.path }));
	return group;
}

const textIn = (folder: string, name: string): string => readFileSync(join(folder, name), "utf8").trim();
export const numberIn = (folder: string, name: string): number => Number(textIn(folder, name));

/** What is the matter with a tree that the writer has left at one time. */
export function problemsIn(folder: string): string[] {
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
