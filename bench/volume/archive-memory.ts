/** What volumed has in memory while it backs a volume up and restores it: not more for ten times as much. As users run it, and from sources. */
import { randomFillSync } from "node:crypto";
import { closeSync, ftruncateSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { CreateVolumeRequest } from "#gen/wharf/volume/v1/volume.ts";
import type { Report } from "../support/figures.ts";
import { backup, restore } from "./archives.ts";
import { Bundled } from "../../test/support/bundled.ts";
import { Volumed } from "./volumed.ts";

const MIB = 1024 * 1024;
/** A file of so many MiB, and a MiB of data in every ten. */
const SMALL = 2 * 1024;
const LARGE = 20 * 1024;

/** How often it is looked what is its own: of that the kernel keeps no maximum. */
const LOOK_MS = 50;

export async function archiveMemory(report: Report): Promise<void> {
	using bundled = await Bundled.make();
	await measured("the package's bundle", await Volumed.start("/dev/shm", bundled.volumed), report);
	await measured("from sources", await Volumed.start("/dev/shm"), report);
}

async function measured(what: string, started: Volumed, report: Report): Promise<void> {
	await using volumed = started;
	const { volume } = await volumed.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: "full" }));
	const path = join(volume?.mountpoint ?? "", "sparse");
	const idle = volumed.peakMb();
	const peaks: string[] = [];
	let own = 0;
	const looking = setInterval(() => (own = Math.max(own, volumed.anonymousMb())), LOOK_MS);
	using _ = { [Symbol.dispose]: () => clearInterval(looking) };
	for (const size of [SMALL, LARGE]) {
		fill(path, size);
		const archive = join(volumed.root, `${size}.tar`);
		await backup(volumed, archive, false);
		const packed = volumed.peakMb();
		await restore(volumed, `restored-${size}`, archive);
		peaks.push(`${packed.toFixed(0)} and ${volumed.peakMb().toFixed(0)} MB`);
		rmSync(archive);
	}
	report({
		figure: `the most memory during a backup and a restore, 20 GiB with holes of which 2 GiB are data; ${what}`,
		ours: `${peaks[1]}`,
		aim: "150 MB",
		beside: `with a tenth of it ${peaks[0]}; at most ${own.toFixed(0)} MB are no pages of files; idle before ${idle.toFixed(0)} MB`,
	});
}

function fill(path: string, mebibytes: number): void {
	const file = openSync(path, "w");
	ftruncateSync(file, mebibytes * MIB);
	const data = Buffer.alloc(MIB);
	for (let at = 0; at < mebibytes; at += 10) writeSync(file, randomFillSync(data), 0, MIB, at * MIB);
	closeSync(file);
}
